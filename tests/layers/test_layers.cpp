// Layers: names, files, packing, dropout, and one forward pass for tensors and for values on a tape.
#include "featup/backbones/original_names.h"
#include "featup/backbones/vit_backbone.h"
#include "featup/jbu/jbu.h"
#include "featup/jbu/jbu_layers.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/fourier_features.h"
#include "layers/sequential.h"
#include "tests/layers/small_vit.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

void save(Module& module, const std::string& path, const std::string& prefix = "") {
  std::map<std::string, Tensor> tensors;
  module.save(tensors, prefix);
  write_safetensors(path, tensors);
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
  const NamedTensors names(
      file, "model.",
      joined(
          {{{"register_tokens", "register_tokens"}, {"blocks.#.ls#.gamma", "blocks.#.ls#.gamma"}}, original_names()}));
  VitConfig c = read_vit_sizes(names, false);
  c.heads = usual_heads(c.dim, false);
  CHECK(c.depth == 2);
  CHECK(c.prefix == 2);
  CHECK(c.registers == 1);
  CHECK(c.mlp_hidden == 96);

  Vit again(c, nullptr);
  again.load(file, "model.");
  Vit packed(c, nullptr);
  packed.load([&](const std::string& name, const Shape& shape) { return names.read(name, shape); });
  names.require_all_read();
  packed.pack();
  const Tensor image = random.normal({2, 16, 20, 3});
  const Tensor expected = vit.features(image);
  CHECK(relative_error(again.features(image), expected) <= (sizeof(real) == 8 ? 1e-6 : 0));  // files hold floats
  CHECK(relative_error(packed.features(image), expected) <= 1e-5);
  CHECK(relative_error(packed.features(image, VitFeature::key), vit.features(image, VitFeature::key)) <= 1e-5);

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

TEST_CASE("layers: one forward pass, the same bits on tensors and on values") {
  Random random(12);
  Vit vit(small_vit(), &random);
  disturb(vit);
  FourierFeatures fourier(2, {1, 3}, true);
  disturb(fourier);
  Sequential net;
  net.push<Conv2d>(3, 4, 3, &random, 2, 1);
  net.push<Elementwise>(Unary::relu);
  net.push<LayerNorm>(4);
  net.push<Linear>(4, 5, &random);
  net.push<Dropout>(real(0.5));
  Sequential filters;
  filters.push<Conv2d>(3, 5, 3, &random, 2, 2, 2, false);
  filters.push<BatchNorm>(5);
  filters.push<DepthwiseConv2d>(5, 3, &random);
  disturb(filters);
  const Tensor image = random.normal({2, 16, 20, 3}), places = random.normal({7, 2});
  const auto check_all = [&] {
    for (const VitFeature feature : {VitFeature::token, VitFeature::key})
      CHECK(same_bits(vit.features(image, feature), vit.features(Var(image), feature).value));
    CHECK(same_bits(fourier(places), fourier(Var(places)).value));
    CHECK(same_bits(net(image), net(Var(image)).value));
    CHECK(same_bits(filters(image), filters(Var(image)).value));
  };
  check_all();
  {
    const Tape tape;
    CHECK(net(Var(image)).tracked());
    const NoRecording constant;
    check_all();
    CHECK(!net(Var(image)).tracked());
  }
  const Tape tape;
  for (Module* module : std::vector<Module*>{&vit, &fourier, &net, &filters}) module->set_trainable(false);
  check_all();
}

TEST_CASE("layers: a plain tensor is refused while a tape records, for the gradient would be lost") {
  Random random(1);
  Linear layer(4, 3, &random);
  const Tensor x = random.normal({5, 4});
  {
    Tape tape;
    CHECK(contains(message_of([&] { layer(x); }), "is used with a plain tensor while a tape records"));
    {
      const NoRecording constant;
      CHECK(layer(x).shape() == Shape{5, 3});
    }
    {
      Tape inner;
      CHECK(!message_of([&] { layer(x); }).empty());
    }
    CHECK(!message_of([&] { layer(x); }).empty());
  }
  CHECK(layer(x).shape() == Shape{5, 3});
}

TEST_CASE("layers: packed layers refuse gradients") {
  Random random(1);
  Linear layer(4, 3, &random);
  const Tensor x = random.normal({5, 4}), y = layer(x);
  layer.pack();
  CHECK(relative_error(layer(x), y) <= kTolerance);
  CHECK(relative_error(layer.add_to(y.clone(), x), y + y) <= kTolerance);
  layer.pack();  // once is enough
  CHECK(relative_error(layer(x), y) <= kTolerance);
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

TEST_CASE("layers: a batch norm becomes part of the convolution before it; a packed convolution adds to a shortcut") {
  Random random(1);
  const Tensor x = random.normal({2, 9, 8, 3}), shortcut = random.normal({2, 5, 4, 6});
  for (bool bias : {false, true}) {
    Conv2d conv(3, 6, 3, &random, 2, 1, 1, bias);
    BatchNorm norm(6);
    disturb(norm);
    norm.running_var.set(random.uniform({6}, real(0.5), 2));
    const Tensor y = norm(conv(x)), sum = unary(Unary::relu, y + shortcut);
    CHECK(!norm.folded());
    CHECK(relative_error(conv(x, Activation::relu), unary(Unary::relu, conv(x))) == 0);
    norm.fold_into(conv);
    norm.fold_into(conv);  // once is enough
    CHECK(norm.folded());
    CHECK(relative_error(conv(x), y) <= 4 * kTolerance);
    CHECK(relative_error(conv.add_to(shortcut, x, Activation::relu), sum) <= 4 * kTolerance);
    CHECK(relative_error(conv.add_to(shortcut.clone(), x, Activation::relu), sum) <= 4 * kTolerance);
    std::map<std::string, Tensor> tensors;
    CHECK(contains(message_of([&] { norm.save(tensors); }), "[save] 'weight' is packed for inference"));
    CHECK(contains(message_of([&] { conv.add_to(x.clone(), x); }), "[conv2d] y (2,9,8,3) += a convolution"));
    Tape tape;
    CHECK(contains(message_of([&] { conv(tape.watch(x)); }), "[packed conv2d] input (2,9,8,3) is tracked"));
  }
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
  CHECK(same_bits(net(ones), ones));
  Random random(4), same(4);
  net.train(random);
  const Tensor dropped = net(Var(ones)).value;
  CHECK(contains(message_of([&] { net(ones); }), "[dropout] a layer in training was given a plain tensor"));
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
  CHECK(same_bits(net(ones), ones));
  CHECK(contains(message_of([&] { dropout(ones, 1, random); }), "[dropout] probability 1 must lie in [0, 1)"));
}
