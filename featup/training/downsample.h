// FeatUp's downsamplers: from a high-resolution map to a prediction of the backbone's features.
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
  /// published: see window_starts(). throws ShapeError if a window does not fit.
  virtual Var operator()(const Var& x, Index h, Index w, bool published = false) const = 0;
  /// Side of the windows, in pixels of x.
  virtual Index kernel() const = 0;
  /// Whether it blurs its input first.
  virtual bool blurs() const = 0;
  /// The weights of windows on views of map (1,H,W,C): (windows, kernel^2). The saliency has C + 1 channels, of which
  /// the first is the norm of the pixel's features; `length` becomes these norms (1,H,W,1).
  virtual Var view_weights(const ViewWindows& windows, const Var& map, Var& length) const = 0;
  /// The linear layer whose output at every pixel decides the windows' weights; null if they do not depend on the map.
  virtual const Linear* saliency() const { return nullptr; }
  /// The same weights, from that layer's output on the map without its bias, the sum of the squared terms of that
  /// output (1,H,W,1 each), and its bias. If there is no such layer, the three are not used.
  virtual Var window_weights(const ViewWindows& windows, const Var& salience, const Var& terms,
                             const Var& bias) const = 0;
};

/// One positive blur kernel of sum 1, |p| / sum|p|, at every window. Parameter: kernel_params (k,k), ones at first.
class SimpleDownsampler : public Downsampler {
 public:
  /// A mean over windows of kernel x kernel pixels, until it has learned.
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

/// Attention pooling: every window is averaged with weights softmax(w * saliency + b), where the saliency is a linear
/// function of the blurred features. Parameters: w, b (k,k), attention_net.1.weight (1,C), attention_net.1.bias (1). In
/// training, channels of the saliency's input are dropped with probability `dropout`, and so is a whole window's
/// saliency. memory: only windows of the saliency are unfolded, which is one channel.
class AttentionDownsampler : public Downsampler {
 public:
  /// channels: of x. Without `random`, values are undefined until they are loaded. blur: x goes
  /// through a 5x5 Gaussian first.
  AttentionDownsampler(Index channels, Index kernel, Random* random, bool blur = true,
                       double dropout = kSaliencyDropout);
  Var operator()(const Var& x, Index h, Index w, bool published = false) const override;
  Index kernel() const override { return w.value.dim(0); }
  bool blurs() const override { return blur_; }
  /// In training, dropout under the saliency, a sum of many terms, is replaced by noise of the same variance. source:
  /// Wang and Manning, "Fast dropout training" (ICML 2013)
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
