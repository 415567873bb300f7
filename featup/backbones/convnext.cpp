#include "featup/backbones/convnext.h"

namespace fu {

namespace {

constexpr real kNormEps = real(1e-6);
constexpr Index kKernel = 7;

}  // namespace

ConvNextBlock::ConvNextBlock(Index channels, Index hidden, Random* random)
    : dwconv_(channels, kKernel, random),
      norm_(channels, kNormEps),
      pwconv1_(channels, hidden, random),
      pwconv2_(hidden, channels, random),
      gamma_(Tensor::full({channels}, real(1e-6))) {  // as the published models begin
  add("gamma", gamma_);
  add("dwconv", dwconv_);
  add("norm", norm_);
  add("pwconv1", pwconv1_);
  add("pwconv2", pwconv2_);
}

void ConvNextBlock::pack() {
  pwconv1_.pack();
  pwconv2_.pack(gamma_.value);
  gamma_.trainable = false;
  gamma_.packed = true;
}

ConvNext::Downsample::Downsample(Index in, Index out, bool stem, Random* random)
    : norm(stem ? out : in, kNormEps), conv(in, out, stem ? 4 : 2, random, stem ? 4 : 2) {
  add(stem ? "0" : "1", conv);
  add(stem ? "1" : "0", norm);
}

ConvNext::Downsamples::Downsamples(const ConvNextConfig& c, Random* random) {
  Index in = 3;
  for (const ConvNextConfig::Stage& stage : c.stages) {
    list.push_back(std::make_unique<Downsample>(in, stage.channels, list.empty(), random));
    add(std::to_string(list.size() - 1), *list.back());
    in = stage.channels;
  }
}

ConvNext::Stage::Stage(const ConvNextConfig::Stage& sizes, Random* random) {
  for (Index i = 0; i < sizes.blocks; ++i) {
    blocks.push_back(std::make_unique<ConvNextBlock>(sizes.channels, sizes.hidden, random));
    add(std::to_string(i), *blocks.back());
  }
}

ConvNext::Stages::Stages(const ConvNextConfig& c, Random* random) {
  for (const ConvNextConfig::Stage& sizes : c.stages) {
    list.push_back(std::make_unique<Stage>(sizes, random));
    add(std::to_string(list.size() - 1), *list.back());
  }
}

ConvNext::ConvNext(const ConvNextConfig& c, Random* random)
    : config_(c), downsample_layers_(c, random), stages_(c, random) {
  require<UsageError>(!c.stages.empty() && c.stages.size() <= 4, "[convnext] ", c.stages.size(),
                      " stages: must be 1 to 4.");
  add("downsample_layers", downsample_layers_);
  add("stages", stages_);
  if (!c.final_norm) return;
  norm_ = std::make_unique<LayerNorm>(c.channels(), kNormEps);
  add("norm", *norm_);
}

void ConvNext::pack() {
  for (const auto& downsample : downsample_layers_.list) downsample->conv.pack();
  for (const auto& stage : stages_.list)
    for (const auto& block : stage->blocks) block->pack();
}

}  // namespace fu
