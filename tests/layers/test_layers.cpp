// Modules: names, files, packing, dropout, and the gradients of whole networks.
#include <functional>

#include "core/pool.h"
#include "featup/backbones/vit.h"
#include "featup/jbu/jbu.h"
#include "featup/jbu/jbu_layers.h"
#include "featup/published/implicit.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"
#include "layers/optimizer.h"
#include "layers/sequential.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

VitConfig small_vit() {
  VitConfig c;
  c.patch = 4, c.dim = 64, c.depth = 2, c.heads = 1, c.mlp_hidden = 96, c.grid = 3, c.prefix = 2, c.registers = 1,
  c.layer_scale = true;
  return c;
}

/// Moves every parameter a little: what begins as ones and zeros would hide mistakes.
void disturb(Module& module) {
  Random random(77);
  module.visit([&](const std::string&, Parameter& p, FileLayout) {
    p.set(p.value + unary(Unary::affine, random.normal(p.value.shape()), real(0.1)));
  });
}

void save(Module& module, const std::string& path, const std::string& prefix = "") {
  std::map<std::string, Tensor> tensors;
  module.save(tensors, prefix);
  write_safetensors(path, tensors);
}

/// Central differences of a scalar along random directions of all parameters together; in double builds.
void check_module(Module& module, const std::function<Var()>& loss) {
#ifdef FU_REAL_DOUBLE
  const std::vector<Parameter*> parameters = module.parameters();
  for (Parameter* p : parameters) p->zero_grad();
  {
    Tape tape;
    backward(loss());
  }
  Random random(5);
  for (Parameter* p : parameters) {
    CAPTURE(p->name);
    if (!p->trainable) continue;
    REQUIRE(p->has_grad());
    const Tensor before = p->value, direction = random.normal(before.shape());
    constexpr real kStep = 1e-5;
    p->set(before + unary(Unary::affine, direction, kStep));
    const double above = loss().value.item();
    p->set(before - unary(Unary::affine, direction, kStep));
    const double below = loss().value.item();
    p->set(before);
    double actual = 0, scale = 0;
    for (Index i = 0; i < direction.size(); ++i) {
      actual += p->grad.data()[i] * direction.data()[i];
      scale += std::abs(p->grad.data()[i] * direction.data()[i]);
    }
    CHECK(std::abs(actual - (above - below) / (2 * kStep)) <= 1e-6 * std::max(0.1, scale));
  }
#else
  for (Parameter* p : module.parameters()) p->zero_grad();
  Tape tape;
  backward(loss());
  for (Parameter* p : module.parameters()) {
    CAPTURE(p->name);
    if (p->trainable) CHECK(p->has_grad());
  }
#endif
}

}  // namespace

TEST_CASE("layers: names and files are those of the published checkpoints") {
  const TempFolder folder;
  Random random(1);
  Vit vit(small_vit(), &random);
  disturb(vit);
  save(vit, folder / "vit.safetensors", "model.");
  const Weights file(folder / "vit.safetensors");
  CHECK(file.shape("model.patch_embed.proj.weight") == Shape{64, 3, 4, 4});
  CHECK(file.shape("model.blocks.1.attn.qkv.weight") == Shape{192, 64});
  CHECK(file.shape("model.blocks.0.ls2.gamma") == Shape{64});
  CHECK(file.shape("model.pos_embed") == Shape{1, 11, 64});
  const VitConfig c = Vit::read_config(file, "model.");
  CHECK(c.depth == 2);
  CHECK(c.prefix == 2);
  CHECK(c.registers == 1);
  CHECK(c.mlp_hidden == 96);

  Vit again(c, nullptr);
  again.load(file, "model.");
  const Vit packed(file, "model.");
  const Tensor image = random.normal({2, 16, 20, 3});
  const Tensor expected = vit.features(image).value;
  CHECK(relative_error(again.features(image).value, expected) <= (sizeof(real) == 8 ? 1e-6 : 0));  // files hold floats
  CHECK(relative_error(packed.features(image).value, expected) <= 1e-5);
  CHECK(relative_error(packed.features(image, VitFeature::key).value, vit.features(image, VitFeature::key).value) <=
        1e-5);

  JbuLayers jbu(6, {2, 3, 8, 2}, &random);
  save(jbu, folder / "jbu.safetensors", "upsampler.");
  const Weights stack(folder / "jbu.safetensors");
  CHECK(stack.shape("upsampler.up2.range_proj.3.weight") == Shape{8, 8, 1, 1});
  CHECK(stack.shape("upsampler.fixup_proj.1.bias") == Shape{6});
  CHECK(stack.shape("upsampler.up1.range_temp") == Shape{});
  CHECK(contains(message_of([&] { JbuLayers(6, {3, 3, 8, 2}, nullptr).load(stack, "upsampler."); }), "up3"));
  CHECK(contains(message_of([&] {
                   JbuLayers(7, {2, 3, 8, 2}, nullptr).load(stack, "upsampler.");
                 }),
                 "expected (7,7,1,1)"));
}

TEST_CASE("layers: the layers of a JBU stack and the fused kernels agree") {
  const TempFolder folder;
  Random random(2);
  for (Index radius : {Index{1}, Index{3}}) {
    JbuLayers layers(5, {2, 3, 16, radius}, &random);
    disturb(layers);
    save(layers, folder / "stack.safetensors");
    const JbuStack fused{Weights(folder / "stack.safetensors")};
    const Tensor source = random.normal({1, 7, 9, 5}), guidance = random.normal({1, 28, 36, 3});
    CHECK(relative_error(layers(source, guidance).value, jbu_stack(fused, source, guidance)) <= 1e-5);
  }
}

TEST_CASE("layers: packed layers refuse gradients") {
  Random random(1);
  Linear layer(4, 3, &random);
  const Tensor x = random.normal({5, 4}), y = layer(x).value;
  layer.pack();
  CHECK(relative_error(layer(x).value, y) <= kTolerance);
  CHECK(relative_error(layer.add_to(Var(y.clone()), x).value, y + y) <= kTolerance);
  layer.pack();  // once is enough
  CHECK(relative_error(layer(x).value, y) <= kTolerance);
  Conv2d conv(3, 4, 3, &random);
  conv.pack();
  conv.pack();
  std::map<std::string, Tensor> tensors;
  CHECK(contains(message_of([&] { layer.save(tensors); }), "[save] 'weight' is packed for inference"));
  CHECK(contains(message_of([&] { conv.save(tensors); }), "[save] 'weight' is packed for inference"));
  CHECK(contains(message_of([&] { layer.set_trainable(true); }), "[train] 'weight' is packed for inference"));
  Tape tape;
  CHECK(contains(message_of([&] { layer(tape.watch(x)); }),
                 "[packed linear] input (5,4) is tracked, but this fused kernel has no backward"));
}

TEST_CASE("layers: statistics stay constants, tied weights count once, shapes are checked") {
  Random random(1);
  BatchNorm norm(4);
  norm.set_trainable(false);
  norm.set_trainable(true);
  CHECK(norm.weight.trainable);
  CHECK(!norm.running_mean.trainable);
  struct Tied : Module {
    Linear layer;
    explicit Tied(Random* r) : layer(3, 3, r) {
      add("a", layer);
      add("b", layer);
    }
  } tied(&random);
  CHECK(tied.parameters().size() == 2);
  const Tensor x = random.normal({4, 4}), square = random.normal({4, 4}), row = Tensor::full({1, 4}, 1),
               c = Tensor::full({4}, 1);
  CHECK(contains(message_of([&] { linear(x, square, row); }), "[linear]"));
  CHECK(contains(message_of([&] { batch_norm(x, c, c, c.reshape({4, 1}), c, 1); }), "[batch_norm]"));
  CHECK(contains(message_of([] {
                   adaptive_conv(Tensor::zeros({1, 20, 20, 4}), Tensor::zeros({1, 20, 20, 169}));
                 }),
                 "the radius may be at most 5"));
}

TEST_CASE("layers: initial values are PyTorch's") {
  Random random(3);
  Linear linear(400, 300, &random);
  Conv2d conv(8, 100, 5, &random);
  const auto check = [](const Tensor& t, double bound) {
    double low = 0, high = 0, square = 0;
    for (Index i = 0; i < t.size(); ++i) {
      const auto v = static_cast<double>(t.data()[i]);
      low = std::min(low, v), high = std::max(high, v), square += v * v;
    }
    CHECK(high <= bound);
    CHECK(low >= -bound);
    CHECK(std::sqrt(square / static_cast<double>(t.size())) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.1));
  };
  check(linear.weight.value, 1 / std::sqrt(400.0));
  check(linear.bias.value, 1 / std::sqrt(400.0));
  check(conv.weight.value, 1 / std::sqrt(200.0));
}

TEST_CASE("layers: dropout") {
  Sequential net;
  net.push<Dropout>(real(0.3));
  const Tensor ones = Tensor::full({100, 200}, 1);
  CHECK(same_bits(net(ones).value, ones));
  Random random(4), same(4);
  net.train(random);
  const Tensor dropped = net(ones).value;
  double mean = 0;
  Index zeros = 0;
  for (Index i = 0; i < dropped.size(); ++i) {
    mean += static_cast<double>(dropped.data()[i]) / static_cast<double>(dropped.size());
    zeros += dropped.data()[i] == 0;
  }
  CHECK(mean == doctest::Approx(1).epsilon(0.02));
  CHECK(static_cast<double>(zeros) / static_cast<double>(dropped.size()) == doctest::Approx(0.3).epsilon(0.05));
  CHECK(same_bits(dropout(ones, real(0.3), same).value, dropped));
  // Whole channels of an image.
  const Tensor image = channel_dropout(Tensor::full({2, 5, 6, 8}, 1), real(0.5), random).value;
  for (Index i = 0; i < image.size(); ++i) CHECK(image.data()[i] == image.data()[i / 240 * 240 + i % 8]);
  net.eval();
  CHECK(same_bits(net(ones).value, ones));
  CHECK(contains(message_of([&] { dropout(ones, 1, random); }), "[dropout] probability 1 must lie in [0, 1)"));
}

TEST_CASE("layers: gradients of whole networks") {
  Random random(6);
  {
    Vit vit(small_vit(), &random);
    disturb(vit);
    const Tensor image = random.normal({1, 12, 20, 3});
    Tensor target;
    check_module(vit, [&] {
      const Var y = vit.features(image);
      if (target.size() != y.size()) target = random.normal(y.shape());
      return mean(square(y - Var(target)));
    });
  }
  {
    JbuLayers jbu(4, {2, 3, 8, 2}, &random);
    disturb(jbu);
    const Tensor source = random.normal({1, 4, 5, 4}), guidance = random.normal({1, 16, 20, 3}),
                 target = random.normal({1, 16, 20, 4});
    check_module(jbu, [&] { return mean(square(jbu(source, guidance) - Var(target))); });
  }
  {
    ImplicitUpsampler net({3}, 5, &random);
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

TEST_CASE("layers: training gives the same bits for any number of threads") {
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

TEST_CASE("layers: a training loop reuses its memory") {
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
