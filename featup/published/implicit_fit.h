// Fitting the implicit network to one image. Three parts are learned together: the network, a downsampler that predicts
// the backbone's low-resolution features from the network's map, and the uncertainty of every position of a view.
// source: FeatUp (arXiv 2403.10516) section 3
#pragma once

#include <memory>
#include <string>

#include "featup/measure/jittered_view.h"
#include "featup/published/implicit.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"
#include "layers/optimizer.h"

namespace fu {

/// The parts that are fitted together, and the weights of their losses.
struct ImplicitFitOptions {
  ImplicitOptions upsampler;                   // the network
  std::string downsampler = "attention";       // or "simple": one blur kernel
  Index kernel = 29;                           // its side, pixels
  double dropout_saliency = kSaliencyDropout;  // of the attention downsampler
  bool uncertainty = true;                     // else all positions have the same weight, with deviation 1
  double lr = 2e-3;                            // of NAdam
  // Weights of the losses besides the reconstruction: lengths of features, their total variation, and the distance of
  // the map from its own blur.
  double magnitude = 1e-3, tv = 0.05, blur_pin = 0.1;
  bool published_grid = false;  // windows where the published code places them, see window_starts()
};

/// The network and its loss. Parameters: upsampler (the network), downsampler, scale_net, with the published names.
class ImplicitFit : public Module {
 public:
  /// image (1,H,W,3), channels C of the views. Without `random`, values are undefined until they are loaded.
  ImplicitFit(const Tensor& image, Index channels, const ImplicitFitOptions& options, Random* random);

  /// The loss of some views: the mean over them of the reconstruction and the lengths, and the priors of the map.
  Var loss(const std::vector<const JitteredView*>& views) const;
  /// One step of NAdam on that loss; returns the loss. The optimizer begins with the first step.
  double step(const std::vector<const JitteredView*>& views);
  /// From now on the map is base (1,H,W,C) plus the network's, which starts as zeros.
  void set_base(const Tensor& base);
  /// Of the next steps: the learning rate, and whether they see a map of half the size.
  void set_lr(double lr);
  /// On a map of half the size, a step costs a quarter.
  void set_coarse(bool coarse);
  /// The map at the image's own size: (1,H,W,C).
  Tensor map() const;

  const std::shared_ptr<ImplicitNetwork>& upsampler() const { return upsampler_; }
  const Downsampler& downsampler() const { return *downsampler_; }
  const ScaleNet& scale_net() const { return scale_net_; }
  /// The optimizer's state, to go on later: see Optimizer.
  void save_optimizer(std::map<std::string, Tensor>& tensors, const std::string& prefix);
  /// throws FileError.
  void load_optimizer(const Weights& weights, const std::string& prefix);

 private:
  ImplicitFitOptions options_;
  Optimizer& optimizer();

  Var map_of() const;

  Tensor image_, signals_, base_;
  Tensor half_image_, half_signals_, half_base_;
  bool coarse_ = false;
  Index channels_;
  std::shared_ptr<ImplicitNetwork> upsampler_;
  std::unique_ptr<Downsampler> downsampler_;
  ScaleNet scale_net_;
  std::unique_ptr<Adam> optimizer_;
};

}  // namespace fu
