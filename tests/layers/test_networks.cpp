// Whole networks: their gradients against finite differences, and training loops that repeat and allocate nothing.
#include <functional>

#include "core/pool.h"
#include "featup/backbones/convnext.h"
#include "featup/backbones/resnet.h"
#include "featup/jbu/jbu_layers.h"
#include "featup/published/implicit.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"
#include "layers/optimizer.h"
#include "tests/layers/check_module.h"
#include "tests/layers/small_vit.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

template <class Model>
void check_backbone(Model&& model, const Tensor& image) {
  disturb(model);
  Tensor target;
  const auto loss = [&] {
    const Var y = model.features(Var(image));
    if (target.size() != y.size()) target = Random(2).normal(y.shape());
    return mean(square(y - Var(target)));
  };
  check_module(model, loss, real(1e-7));  // ReLU and max pooling
}

}  // namespace

TEST_CASE("networks: gradients of convolutional backbones") {
  Random random(6);
  for (bool bottleneck : {false, true}) {
    ResNetConfig c;
    c.stem = 5, c.bottleneck = bottleneck, c.dilated = bottleneck;
    c.layers = {{1, 4, 5}, {2, 3, 6}, {2, 4, 5}};
    check_backbone(ResNet(c, &random), random.normal({2, 34, 40, 3}));
  }
  ConvNextConfig c;
  c.stages = {{1, 5, 10}, {2, 6, 12}};
  check_backbone(ConvNext(c, &random), random.normal({2, 16, 24, 3}));
}

TEST_CASE("networks: a transformer with a checkpoint for each block has the same gradients to the bit") {
  Random random(6);
  VitConfig rotary = small_vit();
  rotary.dim = 16, rotary.heads = 2, rotary.mlp_hidden = 12, rotary.grid = 0, rotary.prefix_positions = 0;
  rotary.rotary = true;
  const Tensor image = random.normal({1, 12, 20, 3});
  for (const VitConfig& c : {small_vit(), rotary}) {
    Vit vit(c, &random);
    disturb(vit);
    std::vector<Tensor> gradients[2];
    for (const bool checkpoints : {false, true}) {
      vit.set_checkpoints(checkpoints);
      for (Parameter* p : vit.parameters()) p->zero_grad();
      Tape tape;
      backward(mean(square(vit.features(Var(image)))));
      for (const Parameter* p : vit.parameters()) gradients[checkpoints].push_back(p->grad);
    }
    for (std::size_t i = 0; i < gradients[0].size(); ++i) CHECK(same_bits(gradients[0][i], gradients[1][i]));
  }
}

TEST_CASE("networks: gradients of whole networks") {
  Random random(6);
  {
    Vit vit(small_vit(), &random);
    disturb(vit);
    const Tensor image = random.normal({1, 12, 20, 3});
    Tensor target;
    check_module(vit, [&] {
      const Var y = vit.features(Var(image));
      if (target.size() != y.size()) target = random.normal(y.shape());
      return mean(square(y - Var(target)));
    });
  }
  {
    // DINOv3's switches, then CLIP's, SigLIP's activation without a class token, and every output.
    VitConfig dinov3 = small_vit(), clip = small_vit(), siglip = small_vit();
    dinov3.dim = 16, dinov3.heads = 2, dinov3.mlp_hidden = 12, dinov3.grid = 0, dinov3.prefix = 1;
    dinov3.prefix_positions = 0, dinov3.registers = 2, dinov3.rotary = dinov3.gated_mlp = true;
    clip.dim = 16, clip.heads = 2, clip.mlp_hidden = 12, clip.registers = 0, clip.pre_norm = true;
    clip.prefix = clip.prefix_positions = 1, clip.patch_bias = clip.layer_scale = false, clip.projection = 6;
    clip.activation = Activation::quick_gelu, clip.positions = PositionRule::size;
    siglip.dim = 16, siglip.heads = 2, siglip.mlp_hidden = 12, siglip.registers = siglip.prefix = 0;
    siglip.prefix_positions = 0, siglip.activation = Activation::tanh_gelu, siglip.positions = PositionRule::aa;
    const Tensor image = random.normal({1, 8, 20, 3});
    for (const VitConfig& c : {dinov3, clip, siglip})
      for (const VitFeature feature :
           {VitFeature::token, VitFeature::key, VitFeature::query, VitFeature::value, VitFeature::maskclip,
            VitFeature::clip, VitFeature::cls, VitFeature::attention}) {
        Vit vit(c, &random);
        disturb(vit);
        const bool projected = feature == VitFeature::maskclip || feature == VitFeature::clip;
        const bool of_class = feature == VitFeature::cls || feature == VitFeature::attention;
        if ((projected && c.projection == 0) || (of_class && c.prefix == 0)) {
          CHECK(!message_of([&] { vit.features(image, feature); }).empty());
          continue;
        }
        const Tensor expected = vit.features(image, feature, 2), target = random.normal(expected.shape());
        CHECK(same_bits(expected, vit.features(Var(image), feature, 2).value));
        for (Parameter* p : vit.parameters()) p->zero_grad();
        Tape tape;
        backward(mean(square(vit.features(Var(image), feature, 2) - Var(target))));
        CHECK(vit.parameters().front()->has_grad());
        Vit packed(c, nullptr);
        std::map<std::string, Tensor> tensors;
        vit.save(tensors);
        packed.load([&](const std::string& name, const Shape&) { return tensors.at(name); });
        packed.pack();
        CHECK(relative_error(packed.features(image, feature), expected) <= 1e-5);
      }
    for (const VitConfig& c : {dinov3, clip, siglip}) {
      Vit vit(c, &random);
      disturb(vit);
      const VitFeature feature = c.projection > 0 ? VitFeature::clip : VitFeature::token;  // uses every parameter
      const Tensor target = random.normal(vit.features(image, feature).shape());
      check_module(vit, [&] { return mean(square(vit.features(Var(image), feature) - Var(target))); });
    }
  }
  {
    JbuLayers jbu(4, {2, 3, 8, 2}, &random);
    disturb(jbu);
    const Tensor source = random.normal({1, 4, 5, 4}), guidance = random.normal({1, 16, 20, 3}),
                 target = random.normal({1, 16, 20, 4});
    check_module(jbu, [&] { return mean(square(jbu(source, guidance) - Var(target))); });
  }
  {
    ImplicitNetwork net({3}, 5, &random);
    disturb(net);
    const Tensor image = random.uniform({1, 8, 8, 3}, 0, 1), target = random.normal({1, 8, 8, 5});
    check_module(net, [&] { return mean(square(net(image) - Var(target))); });
  }
  {
    AttentionDownsampler down(4, 5, &random);
    ScaleNet scale(4, &random);
    disturb(down);
    const Tensor x = random.normal({2, 16, 20, 4}), target = random.normal({2, 4, 5, 4});
    check_module(down, [&] { return reconstruction_loss(down(x, 4, 5), target, scale(target)); });
    check_module(scale, [&] { return reconstruction_loss(down(x, 4, 5), target, scale(target)); });
  }
}

namespace {

/// Some steps of Adam on a small transformer with dropout in front of it; its parameters afterwards.
std::vector<Tensor> trained(int steps) {
  Random random(8), draws(9);
  Vit vit(small_vit(), &random);
  const Tensor image = random.normal({2, 12, 12, 3}), target = random.normal({2, 3, 3, 64});
  Adam adam(Adam::Kind::adamw, vit.parameters(), 1e-3, {0.9, 0.999, 1e-8, 0.05});
  for (int i = 0; i < steps; ++i) {
    adam.zero_grad();
    Tape tape;
    backward(mean(square(vit.features(dropout(image, real(0.1), draws)) - Var(target))));
    adam.clip_gradients(1);
    adam.step();
  }
  std::vector<Tensor> values;
  for (const Parameter* p : vit.parameters()) values.push_back(p->value);
  return values;
}

}  // namespace

TEST_CASE("networks: training gives the same bits for any number of threads") {
  std::vector<Tensor> one, two;
  {
    const WithThreads n(1);
    one = trained(3);
  }
  {
    const WithThreads n(2);
    two = trained(3);
  }
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
}

TEST_CASE("networks: a training loop reuses its memory") {
  Random random(8);
  JbuLayers jbu(8, {2, 3, 8, 3}, &random);
  AttentionDownsampler down(8, 8, &random);
  const Tensor source = random.normal({1, 8, 8, 8}), guidance = random.normal({1, 32, 32, 3}),
               target = random.normal({1, 8, 8, 8});
  Random draws(1);
  jbu.train(draws);
  down.train(draws);
  Adam adam(Adam::Kind::nadam, jbu.parameters(), 1e-3);
  const auto step = [&] {
    adam.zero_grad();
    Tape tape;
    backward(mean(square(down(jbu(source, guidance), 8, 8) - Var(target))));
    adam.step();
  };
  for (int i = 0; i < 3; ++i) step();
  const std::size_t before = pool_stats().system_calls;
  for (int i = 0; i < 5; ++i) step();
  CHECK(pool_stats().system_calls == before);
}
