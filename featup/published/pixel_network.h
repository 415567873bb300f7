// The implicit network, run over tiles of pixels that stay in the cache.
//
// Run layer by layer, the 303 features of every pixel and all activations would go to memory and back a dozen times a
// step. Here a tile of pixels goes through the whole network at once. The two hidden layers are kept for backward,
// everything else is computed again there. Columns that channel dropout zeroes are moved to the end of a row, and the
// matrix products stop before them.
#pragma once

#include <vector>

#include "autograd/ops.h"

namespace fu {

/// Parameters in the order in which PixelNetwork takes their values and gives their gradients.
struct PixelParameters {
  /// The place of each; `count` is how many they are.
  enum {
    phases,
    norm_in_weight,
    norm_in_bias,
    first_weight,
    first_bias,
    norm_hidden_weight,
    norm_hidden_bias,
    second_weight,
    second_bias,
    last_weight,
    last_bias,
    count
  };
};

/// The network with fixed parameters.
class PixelNetwork {
 public:
  /// The features of a pixel: sine and cosine of frequency x signal + phase, then the signals from `first_plain` on
  /// unchanged.
  struct Features {
    std::vector<real> frequencies;
    Index signals = 0, first_plain = 0;  // inputs of a pixel, and the first that is also taken as it is
    /// Sines, and as many cosines.
    Index sines() const { return static_cast<Index>(frequencies.size()) * signals; }
    Index count() const { return 2 * sines() + signals - first_plain; }
  };
  /// keep_in (features) and keep_hidden (hidden): channel dropout's factors, 0 or 1 / (1 - p); of size 0 for none.
  PixelNetwork(Features features, std::vector<Tensor> parameters, const Tensor& keep_in, const Tensor& keep_hidden);

  /// Channels of the hidden layers, and of the result.
  Index hidden() const { return hidden_; }
  Index out() const { return out_; }
  /// signals (N,S) -> y (N,out). h1 and h2 (N,hidden), if not null, receive the hidden layers.
  void forward(const Tensor& signals, real* y, real* h1, real* h2) const;
  /// Gradients of the parameters, from that of y.
  std::vector<Tensor> backward(const Tensor& signals, const Tensor& h1, const Tensor& h2, const Tensor& dy) const;

 private:
  struct Scratch;
  struct Sums;
  void make_features(const real* signals, Index n, real* features, real* derivatives) const;
  void backward_tile(const Tensor& signals, const Tensor& h1, const Tensor& h2, const Tensor& dy, Index begin, Index n,
                     Scratch& s, Sums& sums) const;

  /// A run of columns that are computed from one signal.
  struct Run {
    Index signal, begin, end;
  };
  Features features_;
  std::vector<Tensor> parameters_;
  Index hidden_, out_, kept_ = 0, kept_hidden_ = 0;
  // Columns of the features, in the order in which rows hold them: those that dropout keeps, then the others; both
  // sorted by signal.
  std::vector<Index> order_;  // the feature's place as published
  std::vector<Run> runs_;
  std::vector<real> frequencies_, phases_;
  std::vector<real> turns_;          // 0 for a sine, 1 for a cosine, -1 for a plain signal
  std::vector<Index> hidden_order_;  // those that dropout keeps come first
  Tensor keep_in_;
  Tensor norm_in_weight_, norm_in_bias_, first_, first_bias_, norm_hidden_weight_, norm_hidden_bias_, second_,
      second_bias_;     // in the order of the columns
  Tensor first_scale_;  // of each hidden row: what dropout multiplies by
  // Of the layers with the norms before them folded in, as are first_bias_ and second_bias_.
  Tensor packed_first_, packed_second_, packed_last_, packed_first_back_, packed_second_back_, packed_last_back_;
};

}  // namespace fu
