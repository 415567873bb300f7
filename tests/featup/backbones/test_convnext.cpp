#include "core/files/weights.h"
#include "featup/backbones/convnext.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

TensorShapes shapes_of(const Weights& weights) {
  return {weights.path(), [&](const std::string& name) { return weights.has(name); },
          [&](const std::string& name) { return weights.shape(name); }};
}

}  // namespace

TEST_CASE("convnext: features are those of the original, before and after packing") {
  FU_NEEDS_SHARED(shared);
  const Weights weights(shared + "/backbones/convnext_orig.safetensors"),
      expected(shared + "/backbones/convnext_orig.expected.safetensors");
  const Tensor image = expected.read("image").permute({0, 2, 3, 1});
  for (bool normed : {false, true}) {
    const ConvNextConfig config = read_convnext_config(shapes_of(weights), 4, normed);
    CHECK(config.stride() == 32);
    ConvNext net(config, nullptr);
    net.load(weights);
    const Tensor y = expected.read(normed ? "normed" : "last_stage");
    CHECK(config.channels() == y.dim(2));
    const Shape shape{1, y.dim(0), y.dim(1), y.dim(2)};
    CHECK(relative_error(net.features(image), y.reshape(shape)) <= 1e-5);
    net.pack();
    const Tensor packed = net.features(image);
    CHECK(relative_error(packed, y.reshape(shape)) <= 1e-5);
    const WithThreads one(1);
    CHECK(same_bits(packed, net.features(image)));
  }
}

TEST_CASE("convnext: names, earlier stages, errors") {
  const TempFolder folder;
  ConvNextConfig c;
  c.stages = {{1, 6, 24}, {2, 8, 20}}, c.final_norm = false;
  Random random(3);
  ConvNext net(c, &random);
  std::map<std::string, Tensor> tensors;
  net.save(tensors);
  CHECK(tensors.at("downsample_layers.0.0.weight").shape() == Shape{6, 3, 4, 4});
  CHECK(tensors.at("downsample_layers.1.0.weight").shape() == Shape{6});
  CHECK(tensors.at("downsample_layers.1.1.weight").shape() == Shape{8, 6, 2, 2});
  CHECK(tensors.at("stages.1.1.dwconv.weight").shape() == Shape{8, 1, 7, 7});
  CHECK(tensors.at("stages.1.0.pwconv2.weight").shape() == Shape{8, 20});
  CHECK(tensors.count("norm.weight") == 0);
  write_safetensors(folder / "convnext", tensors);
  const Weights weights(folder / "convnext");
  const ConvNextConfig again = read_convnext_config(shapes_of(weights), 2);
  CHECK(!again.final_norm);
  CHECK(again.stride() == 8);
  CHECK(again.stages[1].blocks == 2);
  CHECK(again.stages[1].hidden == 20);
  ConvNext loaded(again, nullptr);
  loaded.load(weights);
  const Tensor image = random.normal({2, 19, 33, 3}), y = net.features(image);
  CHECK(y.shape() == Shape{2, 2, 4, 8});
  CHECK(relative_error(loaded.features(image), y) <= 1e-6);
  CHECK(contains(message_of([&] { net.features(Tensor::zeros({1, 7, 8, 3})); }), "at least 8 pixels a side"));
  CHECK(
      contains(message_of([&] { read_convnext_config(shapes_of(weights)); }), "no tensor 'stages.2.0.dwconv.weight'"));
}
