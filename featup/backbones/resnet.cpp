#include "featup/backbones/resnet.h"

namespace fu {

ResNetBlock::Projection::Projection(const Options& o, Random* random)
    : conv(o.in, o.out, 1, random, o.stride, 0, 1, false), norm(o.out) {
  add("0", conv);
  add("1", norm);
}

ResNetBlock::ResNetBlock(const Options& o, Random* random)
    : conv1_(o.in, o.inner, o.bottleneck ? 1 : 3, random, o.bottleneck ? 1 : o.stride, o.bottleneck ? 0 : o.dilation,
             o.bottleneck ? 1 : o.dilation, false),
      bn1_(o.inner),
      // The 3x3 convolution of a bottleneck block carries the stride, as in torchvision ("version 1.5").
      conv2_(o.inner, o.bottleneck ? o.inner : o.out, 3, random, o.bottleneck ? o.stride : 1, o.dilation, o.dilation,
             false),
      bn2_(o.bottleneck ? o.inner : o.out) {
  add("conv1", conv1_);
  add("bn1", bn1_);
  add("conv2", conv2_);
  add("bn2", bn2_);
  if (o.bottleneck) {
    third_.reset(new Last{{o.inner, o.out, 1, random, 1, 0, 1, false}, BatchNorm(o.out)});
    add("conv3", third_->conv);
    add("bn3", third_->norm);
  }
  if (o.project) {
    downsample_ = std::make_unique<Projection>(o, random);
    add("downsample", *downsample_);
  }
}

void ResNetBlock::pack() {
  bn1_.fold_into(conv1_);
  bn2_.fold_into(conv2_);
  if (third_) third_->norm.fold_into(third_->conv);
  if (downsample_) downsample_->norm.fold_into(downsample_->conv);
}

ResNet::Layer::Layer(const ResNetConfig& c, std::size_t index, Index in, Random* random) {
  ResNetBlock::Options o;
  o.inner = c.layers[index].inner, o.out = c.layers[index].out, o.bottleneck = c.bottleneck;
  const bool dilate = c.dilated && index >= 2;
  for (Index i = 0; i < c.layers[index].blocks; ++i) {
    const bool first = i == 0;
    o.in = first ? in : o.out;
    o.stride = first && index > 0 && !dilate ? 2 : 1;
    // The first block of a dilated layer still has the dilation of the layer before: 1, then 2; the others 2, then 4.
    o.dilation = dilate ? (Index{1} << (static_cast<Index>(index) - (first ? 2 : 1))) : 1;
    o.project = first && (index > 0 || o.in != o.out);
    blocks.push_back(std::make_unique<ResNetBlock>(o, random));
    add(std::to_string(i), *blocks.back());
  }
}

ResNet::ResNet(const ResNetConfig& c, Random* random)
    : config_(c), conv1_(3, c.stem, 7, random, 2, 3, 1, false), bn1_(c.stem) {
  require<UsageError>(!c.layers.empty() && c.layers.size() <= 4, "[resnet] ", c.layers.size(),
                      " layers: must be 1 to 4.");
  add("conv1", conv1_);
  add("bn1", bn1_);
  for (std::size_t s = 0; s < c.layers.size(); ++s) {
    layers_.push_back(std::make_unique<Layer>(c, s, s == 0 ? c.stem : c.layers[s - 1].out, random));
    add("layer" + std::to_string(s + 1), *layers_[s]);
  }
}

void ResNet::pack() {
  bn1_.fold_into(conv1_);
  for (const auto& layer : layers_)
    for (const auto& block : layer->blocks) block->pack();
}

}  // namespace fu
