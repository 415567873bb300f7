// Fitting an implicit upsampler to one image: the network, the downsampler that turns its map back into what the
// backbone would see, and the uncertainty of every view, learned together. source: FeatUp (arXiv 2403.10516) section 3
#pragma once

#include <memory>
#include <string>

#include "featup/photo/jitter.h"
#include "featup/published/implicit.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"
#include "layers/optimizer.h"

namespace fu {

struct ImplicitFitOptions {
  ImplicitOptions upsampler;
  std::string downsampler = "attention";  // or "simple": one blur kernel
  Index kernel = 29;                      // its side, pixels
  double dropout_saliency = kSaliencyDropout;
  bool uncertainty = true;  // else every view counts alike, with deviation 1
  double lr = 2e-3;
  // Weights of the losses beside the reconstruction: lengths of features, their total variation, and the distance from
  // the map's own blur.
  double magnitude = 1e-3, tv = 0.05, blur_pin = 0.1;
  bool published_grid = false;  // windows as the published code places them
};

/// What the backbone said of one jittered look: (1,h,w,C).
struct ImplicitView {
  Jitter jitter;
  Tensor features;
};

/// Parameters: upsampler, downsampler, scale_net, with the published names.
class ImplicitFit : public Module {
 public:
  /// image (1,H,W,3), channels C of the views. Without `random`, values are undefined until they are loaded.
  ImplicitFit(const Tensor& image, Index channels, const ImplicitFitOptions& options, Random* random);

  /// The loss of some views: the mean over them of the reconstruction and the lengths, and the priors of the map.
  Var loss(const std::vector<const ImplicitView*>& views) const;
  /// One step of NAdam on it; returns it. The optimizer begins with the first step.
  double step(const std::vector<const ImplicitView*>& views);
  /// From now on the network's map is added to this one (1,H,W,C), and begins as zeros.
  void set_base(const Tensor& base);
  /// Of the next steps: the learning rate, and whether they see a map of half the size.
  void set_lr(double lr);
  void set_coarse(bool coarse);
  /// The map at the image's own size: (1,H,W,C).
  Tensor map() const;

  const std::shared_ptr<ImplicitUpsampler>& upsampler() const { return upsampler_; }
  const Downsampler& downsampler() const { return *downsampler_; }
  const ScaleNet& scale_net() const { return scale_net_; }
  /// The optimizer's state, to go on later: see Optimizer.
  void save_optimizer(std::map<std::string, Tensor>& tensors, const std::string& prefix);
  void load_optimizer(const Weights& weights, const std::string& prefix);

 private:
  ImplicitFitOptions options_;
  Optimizer& optimizer();

  Var map_of() const;

  Tensor image_, signals_, base_;
  Tensor half_image_, half_signals_, half_base_;
  bool coarse_ = false;
  Index channels_;
  std::shared_ptr<ImplicitUpsampler> upsampler_;
  std::unique_ptr<Downsampler> downsampler_;
  ScaleNet scale_net_;
  std::unique_ptr<Adam> optimizer_;
};

}  // namespace fu
