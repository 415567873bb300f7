// ConvNeXt, from its published tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "featup/backbones/tensor_shapes.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace fu {

/// Sizes, as the shapes of a file's tensors tell them. source: arXiv 2201.03545
struct ConvNextConfig {
  struct Stage {
    Index blocks = 0, channels = 0, hidden = 0;
  };
  std::vector<Stage> stages;  // those that are run, up to 4
  bool final_norm = true;     // normalises the vectors of the last stage

  /// Pixels of the image from one feature to the next.
  Index stride() const { return Index{2} << static_cast<Index>(stages.size()); }
  Index channels() const { return stages.back().channels; }
  Index depth() const { return static_cast<Index>(stages.size()); }
};

/// Sizes of the first `last` stages, 1 <= last <= 4. The final norm is that of the fourth. throws FileError.
ConvNextConfig read_convnext_config(const TensorShapes& tensors, int last = 4, bool final_norm = true);

/// x + gamma * pwconv2(gelu(pwconv1(norm(dwconv(x))))). Parameters: dwconv, norm, pwconv1, pwconv2, gamma.
class ConvNextBlock : public Module {
 public:
  ConvNextBlock(Index channels, Index hidden, Random* random);
  /// x (B,H,W,C) -> (B,H,W,C). Takes x by value: a packed block writes the result into its memory.
  template <class X>
  X operator()(X x) const;
  void pack();

 private:
  DepthwiseConv2d dwconv_;
  LayerNorm norm_;
  Linear pwconv1_, pwconv2_;
  Parameter gamma_;
};

/// Parameters: downsample_layers.S.0 and .1, stages.S.I, norm.
class ConvNext : public Module {
 public:
  /// A new one. Without `random`, its values are undefined until it is loaded.
  ConvNext(const ConvNextConfig& config, Random* random);
  const ConvNextConfig& config() const { return config_; }
  /// For inference: packs the weights.
  void pack();

  /// image (B,H,W,3), normalised, H and W at least one stride  ->  (B,H/stride,W/stride,channels), sizes rounded down:
  /// the map of the last stage. X is Tensor for inference, or Var for training: a program that uses one of them links
  /// only that one (convnext_inference.cpp, convnext_training.cpp). throws ShapeError.
  template <class X>
  X features(const X& image, const Progress& progress = {}) const;
  /// The mean of the last stage's map, normalised: (B,1,C). source: DINOv3's class token of a ConvNeXt
  template <class X>
  X pooled(const X& image, const Progress& progress = {}) const;
  /// The map behind the first `stages` of them, not normalised; 0: what the first block is given.
  template <class X>
  X map(const X& image, std::size_t stages, const Progress& progress = {}) const;

 private:
  ConvNextConfig config_;
  /// Before stage 0: convolution 4x4, norm. Before the others: norm, convolution 2x2.
  struct Downsample : Module {
    LayerNorm norm;
    Conv2d conv;
    Downsample(Index in, Index out, bool stem, Random* random);
  };
  struct Downsamples : Module {
    std::vector<std::unique_ptr<Downsample>> list;
    Downsamples(const ConvNextConfig& config, Random* random);
  } downsample_layers_;
  struct Stage : Module {
    std::vector<std::unique_ptr<ConvNextBlock>> blocks;
    Stage(const ConvNextConfig::Stage& sizes, Random* random);
  };
  struct Stages : Module {
    std::vector<std::unique_ptr<Stage>> list;
    Stages(const ConvNextConfig& config, Random* random);
  } stages_;
  std::unique_ptr<LayerNorm> norm_;
};

}  // namespace fu
