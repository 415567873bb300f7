// The residual networks of torchvision, from their published tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "featup/backbones/tensor_shapes.h"
#include "layers/batch_norm.h"

namespace fu {

/// Sizes, as the shapes of a file's tensors tell them. source: arXiv 1512.03385
struct ResNetConfig {
  struct Layer {
    Index blocks = 0, inner = 0, out = 0;  // channels inside of a block, and of its result
  };
  Index stem = 0;             // channels of the first convolution
  std::vector<Layer> layers;  // layer1, layer2, ...: those that are run, up to 4
  bool bottleneck = false;    // three convolutions a block (50, 101, 152), not two (18, 34)
  bool dilated = false;       // DeepLab: layer3 and layer4 keep the resolution of layer2 and dilate their 3x3 instead

  /// Pixels of the image from one feature to the next.
  Index stride() const;
  Index channels() const { return layers.back().out; }
  Index depth() const { return static_cast<Index>(layers.size()); }
};

/// Sizes of layer1 to layer`last`, 1 <= last <= 4. throws FileError.
ResNetConfig read_resnet_config(const TensorShapes& tensors, int last = 4, bool dilated = false);

/// convN with bnN, and the shortcut around them. Parameters: conv1, bn1, conv2, bn2, (conv3, bn3), (downsample.0,
/// downsample.1).
class ResNetBlock : public Module {
 public:
  struct Options {
    Index in = 0, inner = 0, out = 0, stride = 1, dilation = 1;
    bool bottleneck = false, project = false;  // project: the shortcut has a convolution
  };
  ResNetBlock(const Options& options, Random* random);
  /// relu(convolutions(x) + shortcut(x)). Takes x by value: a packed block writes the result into its memory.
  template <class X>
  X operator()(X x) const;
  void pack();

 private:
  Conv2d conv1_;
  BatchNorm bn1_;
  Conv2d conv2_;
  BatchNorm bn2_;
  struct Last {
    Conv2d conv;
    BatchNorm norm;
  };
  std::unique_ptr<Last> third_;
  struct Projection : Module {
    Conv2d conv;
    BatchNorm norm;
    Projection(const Options& options, Random* random);
  };
  std::unique_ptr<Projection> downsample_;
};

/// Parameters: conv1, bn1, layerS.I.
class ResNet : public Module {
 public:
  /// A new one. Without `random`, its values are undefined until it is loaded.
  ResNet(const ResNetConfig& config, Random* random);
  const ResNetConfig& config() const { return config_; }
  /// For inference: folds batch norms into convolutions and packs these.
  void pack();

  /// image (B,H,W,3), normalised, of any size  ->  (B,H/stride,W/stride,channels), sizes rounded up: the result of the
  /// last layer. X is Tensor for inference, or Var for training: a program that uses one of them links only that one
  /// (resnet_inference.cpp, resnet_training.cpp). throws ShapeError.
  template <class X>
  X features(const X& image, const Progress& progress = {}) const;
  /// The map behind the first `layers` of them; 0: what layer1 is given.
  template <class X>
  X map(const X& image, std::size_t layers, const Progress& progress = {}) const;

 private:
  ResNetConfig config_;
  Conv2d conv1_;
  BatchNorm bn1_;
  struct Layer : Module {
    std::vector<std::unique_ptr<ResNetBlock>> blocks;
    Layer(const ResNetConfig& config, std::size_t index, Index in, Random* random);
  };
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace fu
