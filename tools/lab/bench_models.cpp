// Backbones, and steps of trainings.
#include <memory>

#include "featup/backbones/convnext.h"
#include "featup/backbones/resnet.h"
#include "featup/backbones/vit.h"
#include "featup/published/implicit_fit.h"
#include "featup/training/upsampler_trainer.h"
#include "layers/state_dict.h"
#include "tools/lab/bench_case.h"

namespace fu {

namespace {

constexpr Index kPatch = 16, kGrid = 14;

/// type: that its layers keep their weights in.
std::shared_ptr<Vit> random_vit(VitConfig c, NarrowType type = NarrowType::none) {
  Random random(1);
  c.heads = c.dim / 64, c.mlp_hidden = 4 * c.dim;
  const auto model = std::make_shared<Vit>(c, &random);
  if (type != NarrowType::none) {
    const std::map<std::string, Tensor> values = state_dict(*model);
    model->load([&](const std::string& name, const Shape&) { return values.at(name); },
                [type](const std::string&) { return type; });
  }
  model->pack();
  return model;
}

VitConfig plain_vit(Index dim) {
  VitConfig c;
  c.patch = kPatch, c.dim = dim, c.depth = 12, c.grid = kGrid;
  return c;
}

/// One image of grid x grid patches.
BenchRun vit(const VitConfig& c, Index grid, VitFeature feature = VitFeature::token,
             NarrowType type = NarrowType::none) {
  const auto model = random_vit(c, type);
  Random random(4);
  const Tensor image = random.uniform({1, c.patch * grid, c.patch * grid, 3}, -2, 2);
  const auto d = static_cast<double>(c.dim), patches = static_cast<double>(grid * grid);
  const double n = patches + static_cast<double>(c.prefix + c.registers);
  return {[=] { model->features(image, feature); },
          1e-9 * (static_cast<double>(c.depth) * (24 * n * d * d + 4 * n * n * d) +
                  2 * patches * static_cast<double>(3 * c.patch * c.patch) * d)};
}

BenchRun dinov2() {
  VitConfig c = plain_vit(384);
  c.patch = 14, c.grid = 37, c.layer_scale = true;
  return vit(c, 37);
}

BenchRun dinov3() {
  VitConfig c = plain_vit(384);
  c.grid = 0, c.prefix_positions = 0, c.registers = 4, c.layer_scale = true, c.rotary = true;
  return vit(c, 32);
}

BenchRun clip() {
  VitConfig c = plain_vit(768);
  c.pre_norm = true, c.patch_bias = false, c.activation = Activation::quick_gelu, c.projection = 512;
  return vit(c, kGrid, VitFeature::clip);
}

/// ResNet-50 to layer4.
BenchRun resnet50(Index side) {
  ResNetConfig c;
  c.stem = 64, c.bottleneck = true;
  c.layers = {{3, 64, 256}, {4, 128, 512}, {6, 256, 1024}, {3, 512, 2048}};
  Random random(4);
  const auto model = std::make_shared<ResNet>(c, &random);
  model->pack();
  const Tensor image = random.uniform({1, side, side, 3}, -2, 2);
  double products = 7 * 7 * 3 * 64 / 4.0;   // multiply-adds a pixel of the image
  double in = 64, before = 16, after = 16;  // pixels of the image for one before and after a block
  for (const ResNetConfig::Layer& layer : c.layers) {
    const auto inner = static_cast<double>(layer.inner), out = static_cast<double>(layer.out);
    for (Index i = 0; i < layer.blocks; ++i) {
      products += in * inner / before + (9 * inner * inner + inner * out + (i == 0 ? in * out : 0)) / after;
      in = out, before = after;
    }
    after *= 4;
  }
  return {[=] { model->features(image); }, 2e-9 * products * static_cast<double>(side * side)};
}

/// ConvNeXt-T to its last stage, normalised.
BenchRun convnext_tiny(Index side) {
  ConvNextConfig c;
  c.stages = {{3, 96, 384}, {3, 192, 768}, {9, 384, 1536}, {3, 768, 3072}};
  Random random(4);
  const auto model = std::make_shared<ConvNext>(c, &random);
  model->pack();
  const Tensor image = random.uniform({1, side, side, 3}, -2, 2);
  double products = 0, in = 48,
         pixels = 16;  // multiply-adds a pixel of the image; inputs of a downsampling convolution
  for (const ConvNextConfig::Stage& stage : c.stages) {
    const auto channels = static_cast<double>(stage.channels), hidden = static_cast<double>(stage.hidden);
    products += (in * channels + static_cast<double>(stage.blocks) * channels * (49 + 2 * hidden)) / pixels;
    in = 4 * channels, pixels *= 4;
  }
  return {[=] { model->features(image); }, 2e-9 * products * static_cast<double>(side * side)};
}

/// One step of an implicit fit as published: 224x224, 303 -> 128 -> 128 -> 128, 10 views of 14x14, attention over
/// windows of 29x29.
BenchRun implicit_step() {
  struct State {
    Random random{5};
    std::vector<JitteredView> views;
    std::vector<const JitteredView*> drawn;
    std::unique_ptr<ImplicitFit> fit;
  };
  const auto state = std::make_shared<State>();
  const Tensor image = state->random.uniform({1, 224, 224, 3}, 0, 1);
  for (int v = 0; v < 10; ++v)
    state->views.push_back({draw_jitter(state->random, 224, 224, 30, 1.8), state->random.normal({1, 14, 14, 128})});
  for (const JitteredView& view : state->views) state->drawn.push_back(&view);
  ImplicitFitOptions o;
  o.published_grid = true;
  state->fit = std::make_unique<ImplicitFit>(image, 128, o, &state->random);
  state->fit->train(state->random);
  // 18 GFLOP are three products, forward and twice backward; the rest is pooling, jitters and the features.
  return {[state] { state->fit->step(state->drawn); }, 24};
}

/// A step of training a JBU stack with DeiT-Tiny at 224: 4 images, 5 jitters of each, the backbone's passes included.
BenchRun jbu_train_step() {
  struct State {
    Random random{7};
    std::unique_ptr<UpsamplerTrainer> trainer;
    std::vector<Tensor> images;
  };
  const auto state = std::make_shared<State>();
  for (int i = 0; i < 4; ++i)
    state->images.push_back(state->random.uniform({1, kPatch * kGrid, kPatch * kGrid, 3}, -2, 2));
  state->trainer = std::make_unique<UpsamplerTrainer>(
      [model = random_vit(plain_vit(192))](const Tensor& image) { return model->features(image); }, 192,
      UpsamplerTrainerOptions());
  // 60 GFLOP are 24 passes of the backbone; the rest is the stack on 32 channels, its kernels and their gradients.
  return {[state] { state->trainer->step(state->images); }, 120};
}

/// A training step of ViT-S/16 on 8 images at 224: forward and backward, without the optimizer.
BenchRun vit_train_step(bool checkpoints) {
  struct State {
    Random random{8};
    std::unique_ptr<Vit> model;
    Tensor images;
  };
  const auto state = std::make_shared<State>();
  VitConfig c = plain_vit(384);
  c.heads = 6, c.mlp_hidden = 4 * c.dim;
  constexpr Index kImages = 8;
  state->model = std::make_unique<Vit>(c, &state->random);
  state->model->set_checkpoints(checkpoints);
  state->images = state->random.uniform({kImages, kPatch * kGrid, kPatch * kGrid, 3}, -2, 2);
  const std::vector<Parameter*> parameters = state->model->parameters();
  const double n = kGrid * kGrid + 1, d = 384;
  const double forward = kImages * 12 * (24 * n * d * d + 4 * n * n * d);
  const auto step = [state, parameters] {
    for (const Parameter* p : parameters) p->zero_grad();
    Tape tape;
    backward(mean(square(state->model->features(Var(state->images)))));
  };
  return {step, 3e-9 * forward};  // what is computed again counts as time alone
}

}  // namespace

std::vector<BenchCase> bench_models() {
  return {
      {"vit_s16_224", [] { return vit(plain_vit(384), kGrid); }},
      {"deit_tiny_224", [] { return vit(plain_vit(192), kGrid); }},
      {"deit_tiny_bf16", [] { return vit(plain_vit(192), kGrid, VitFeature::token, NarrowType::bf16); }},
      {"deit_tiny_int8", [] { return vit(plain_vit(192), kGrid, VitFeature::token, NarrowType::int8); }},
      {"dinov2_s14_518", [] { return dinov2(); }},
      {"dinov3_s16_512", [] { return dinov3(); }},
      {"clip_b16_224", [] { return clip(); }},
      {"resnet50_224", [] { return resnet50(224); }},
      {"convnext_tiny_224", [] { return convnext_tiny(224); }},
      {"implicit_step", [] { return implicit_step(); }},
      {"jbu_train_step", [] { return jbu_train_step(); }},
      {"vit_train_step", [] { return vit_train_step(false); }},
      {"vit_checkpoint", [] { return vit_train_step(true); }},
  };
}

}  // namespace fu
