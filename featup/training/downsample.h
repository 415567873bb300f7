// FeatUp's downsamplers: from a high-resolution map back to what the backbone would see.
#pragma once

#include "featup/training/view_windows.h"
#include "layers/activation.h"
#include "layers/linear.h"
#include "layers/sequential.h"

namespace fu {

/// Where the k x k windows of an axis begin. source: FeatUp (arXiv 2403.10516) section 3
///   published: window i at i * ((n - k) / (n_out - 1)), which drifts against the patches
///   else: centred on patch i of n / n_out pixels, moved inside where it would stick out
std::vector<Index> window_starts(Index n, Index kernel, Index n_out, bool published);

/// As published.
constexpr double kSaliencyDropout = 0.2;

/// From x (B,H,W,C) to (B,h,w,C).
class Downsampler : public Module {
 public:
  virtual Var operator()(const Var& x, Index h, Index w, bool published = false) const = 0;
  virtual Index kernel() const = 0;
  /// Whether it blurs what it is given.
  virtual bool blurs() const = 0;
  /// The weights of windows on views of map (1,H,W,C), whose lengths go along as the first of C + 1 channels: (windows,
  /// kernel^2). Also gives the lengths (1,H,W,1).
  virtual Var view_weights(const ViewWindows& windows, const Var& map, Var& length) const = 0;
  /// The linear layer whose value at every pixel the windows' weights depend on; null if they depend on nothing.
  virtual const Linear* saliency() const { return nullptr; }
  /// The same weights, from what that layer gives on the map, without its bias, and the sum of its squared terms there
  /// (1,H,W,1 each), and its bias. Not looked at if there is no such layer.
  virtual Var window_weights(const ViewWindows& windows, const Var& salience, const Var& terms,
                             const Var& bias) const = 0;
};

/// One positive blur kernel of sum 1, |p| / sum|p|, at every window. Parameter: kernel_params (k,k), ones at first.
class SimpleDownsampler : public Downsampler {
 public:
  explicit SimpleDownsampler(Index kernel);
  Var operator()(const Var& x, Index h, Index w, bool published = false) const override;
  Index kernel() const override { return kernel_params.value.dim(0); }
  bool blurs() const override { return false; }
  Var view_weights(const ViewWindows& windows, const Var& map, Var& length) const override;
  Var window_weights(const ViewWindows& windows, const Var&, const Var&, const Var&) const override {
    return weights(windows.count());
  }

  Parameter kernel_params;

 private:
  Var weights(Index windows) const;
};

/// Attention pooling: every window is averaged with weights softmax(w * saliency + b), saliency a linear function of
/// the blurred features. Parameters: w, b (k,k), attention_net.1.weight (1,C), attention_net.1.bias (1). In training,
/// features that the saliency sees are dropped with probability `dropout`, and a whole window's saliency with the same.
/// memory: the saliency is one channel, so only its windows are ever unfolded.
class AttentionDownsampler : public Downsampler {
 public:
  AttentionDownsampler(Index channels, Index kernel, Random* random, bool blur = true,
                       double dropout = kSaliencyDropout);
  Var operator()(const Var& x, Index h, Index w, bool published = false) const override;
  Index kernel() const override { return w.value.dim(0); }
  bool blurs() const override { return blur_; }
  /// In training the dropped features change a saliency, a sum of many terms, by noise of the variance that dropping
  /// each of them would give. source: Wang and Manning, "Fast dropout training" (ICML 2013)
  Var view_weights(const ViewWindows& windows, const Var& map, Var& length) const override;
  const Linear* saliency() const override { return saliency_; }
  Var window_weights(const ViewWindows& windows, const Var& salience, const Var& terms, const Var& bias) const override;
  /// With a given mask of windows (B,h,w), 0 where the saliency is dropped; of size 0: none is.
  Var forward(const Var& x, Index h, Index w, bool published, const Tensor& keep) const;
  void train(Random& random) override;
  void eval() override;

  Parameter w, b;
  Sequential attention_net;

 private:
  Tensor draw_keep(Index windows) const;

  bool blur_;
  real drop_;
  Random* random_ = nullptr;
  Linear* saliency_ = nullptr;  // in attention_net
};

}  // namespace fu
