#include "core/files/weights.h"
#include "featup/backbones/resnet.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

TensorShapes shapes_of(const Weights& weights) {
  return {weights.path(), [&](const std::string& name) { return weights.has(name); },
          [&](const std::string& name) { return weights.shape(name); }};
}

Tensor image_of(const Weights& expected) { return expected.read("image").permute({0, 2, 3, 1}); }

}  // namespace

TEST_CASE("resnet: features are those of torchvision, at every layer, dilated too, before and after packing") {
  FU_NEEDS_SHARED(shared);
  const Weights weights(shared + "/backbones/resnet.safetensors"),
      expected(shared + "/backbones/resnet.expected.safetensors");
  struct Case {
    const char* name;
    int layers;
    bool dilated;
    Index stride;
  };
  for (const Case& c : {Case{"layer4", 4, false, 32}, {"layer4_stride8", 4, true, 8}, {"layer3", 3, false, 16}}) {
    CAPTURE(c.name);
    const ResNetConfig config = read_resnet_config(shapes_of(weights), c.layers, c.dilated);
    CHECK(config.bottleneck);
    CHECK(config.stride() == c.stride);
    ResNet net(config, nullptr);
    net.load(weights);
    const Tensor y = expected.read(c.name), image = image_of(expected);
    CHECK(config.channels() == y.dim(2));
    const Shape shape{1, y.dim(0), y.dim(1), y.dim(2)};
    CHECK(relative_error(net.features(image), y.reshape(shape)) <= 1e-5);
    net.pack();
    const Tensor packed = net.features(image);
    CHECK(relative_error(packed, y.reshape(shape)) <= 1e-5);
    CHECK(same_bits(packed, net.map(image, config.layers.size())));
    CHECK(net.map(image, 0).shape() == Shape{1, 16, 24, 16});
    const WithThreads one(1);
    CHECK(same_bits(packed, net.features(image)));
  }
}

TEST_CASE("resnet: basic blocks, any size, errors") {
  const TempFolder folder;
  ResNetConfig c;
  c.stem = 6, c.layers = {{2, 6, 6}, {1, 8, 8}};
  Random random(3);
  ResNet net(c, &random);
  std::map<std::string, Tensor> tensors;
  net.save(tensors);
  CHECK(tensors.count("layer1.0.downsample.0.weight") == 0);
  CHECK(tensors.at("layer2.0.downsample.0.weight").shape() == Shape{8, 6, 1, 1});
  CHECK(tensors.at("layer2.0.bn2.running_var").shape() == Shape{8});
  CHECK(tensors.at("conv1.weight").shape() == Shape{6, 3, 7, 7});
  write_safetensors(folder / "resnet18", tensors);
  const Weights weights(folder / "resnet18");
  const ResNetConfig again = read_resnet_config(shapes_of(weights), 2);
  CHECK(!again.bottleneck);
  CHECK(again.stride() == 8);
  CHECK(again.layers[0].blocks == 2);
  CHECK(again.layers[1].out == 8);
  const Tensor image = random.normal({2, 21, 34, 3}), y = net.features(image);
  CHECK(y.shape() == Shape{2, 3, 5, 8});
  net.pack();
  CHECK(relative_error(net.features(image), y) <= 1e-5);
  CHECK(net.features(Tensor::zeros({1, 1, 1, 3})).shape() == Shape{1, 1, 1, 8});
  CHECK(contains(message_of([&] { net.features(Tensor::zeros({1, 8, 8, 4})); }), "[resnet] image (1,8,8,4)"));
  CHECK(contains(message_of([&] { read_resnet_config(shapes_of(weights), 3); }), "no tensor 'layer3.0.conv1.weight'"));
}
