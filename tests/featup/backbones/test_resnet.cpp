#include "featup/backbones/resnet.h"
#include "tests/featup/backbones/stages.h"

using namespace fu;
using namespace fu::test;

namespace {

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

TEST_CASE("resnet: a file of any publisher") {
  FU_NEEDS_SHARED(shared);
  const TempFolder folder;
  const std::string file = shared + "/backbones/resnet.safetensors",
                    expected = shared + "/backbones/resnet.expected.safetensors";
  CHECK(feature_error(file, {}, expected, "layer4") <= 1e-5);
  CHECK(feature_error(file, feature_of("token", 3), expected, "layer3") <= 1e-5);
  CHECK(feature_error(file, feature_of("dilated"), expected, "layer4_stride8") <= 1e-5);
  const Weights weights(file);
  std::map<std::string, Tensor> deeplab, featup, hugging;
  for (const auto& [name, t] : tensors_of(weights)) {
    if (name.rfind("fc.", 0) == 0) continue;
    deeplab["backbone." + name] = t;
    featup["model.0.model." + name] = t;
    std::string theirs = name;
    for (int i = 1; i <= 4; ++i) {
      const std::string number = std::to_string(i), index = std::to_string(i - 1);
      theirs = replaced(theirs, "layer" + number + ".", "encoder.stages." + index + ".layers.");
      if (i > 3) continue;
      theirs = replaced(theirs, "conv" + number + ".", "layer." + index + ".convolution.");
      theirs = replaced(theirs, "bn" + number + ".", "layer." + index + ".normalization.");
    }
    theirs =
        replaced(replaced(theirs, "downsample.0", "shortcut.convolution"), "downsample.1", "shortcut.normalization");
    if (theirs.rfind("layer.0", 0) == 0) theirs = replaced(theirs, "layer.0.", "embedder.embedder.");
    hugging["resnet." + theirs] = t;
  }
  deeplab["classifier.0.weight"] = hugging["classifier.1.weight"] = Tensor::zeros({2});
  for (const auto& [name, tensors] : {std::pair{"deeplab", deeplab}, {"featup", featup}, {"hugging", hugging}})
    write_safetensors(folder / name, tensors);
  CHECK(feature_error(folder / "deeplab", {}, expected, "layer4_stride8") <= 1e-5);
  CHECK(feature_error(folder / "featup", {}, expected, "layer4") <= 1e-5);
  CHECK(feature_error(folder / "hugging", {}, expected, "layer4") <= 1e-5);
  CHECK(feature_error(folder / "hugging", feature_of("token", 3), expected, "layer3") <= 1e-5);

  const auto backbone = open_backbone(folder / "deeplab");
  CHECK(backbone->describe() == "ResNet of DeepLab, layer4 of width 160, patch 8");
  CHECK(backbone->patch() == 8);
  CHECK(backbone->channels() == 160);
  CHECK(backbone->hidden_state(Tensor::zeros({1, 32, 32, 3}), 2).shape() == Shape{1, 4, 4, 96});
  CHECK(contains(settings_text(backbone->settings()), "feature dilated (usual), layer 4 (the last)"));
  CHECK(contains(message_of([&] { backbone->features(Tensor::zeros({1, 30, 32, 3})); }), "multiples of 8"));
  CHECK(contains(message_of([&] { open_backbone(file, feature_of("token", 5)); }), "there are 4 stages"));
  BackboneOptions heads;
  heads.heads = 3;
  CHECK(contains(message_of([&] { open_backbone(file, heads); }), "are for transformers"));
  featup["model.0.model.layer1.0.se.fc1.weight"] = Tensor::zeros({2});
  write_safetensors(folder / "squeeze", featup);
  CHECK(contains(message_of([&] { open_backbone(folder / "squeeze"); }),
                 "has the tensor 'model.0.model.layer1.0.se.fc1.weight', which no layer of this program uses"));
}
