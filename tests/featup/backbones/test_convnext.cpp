#include "featup/backbones/convnext.h"
#include "tests/featup/backbones/stages.h"

using namespace fu;
using namespace fu::test;

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

TEST_CASE("convnext: a file of any publisher") {
  FU_NEEDS_SHARED(shared);
  const TempFolder folder;
  const std::string backbones = shared + "/backbones/";
  for (const char* name : {"convnext_orig", "convnext_timm", "convnext_hf3"}) {
    CAPTURE(name);
    const std::string file = backbones + name + ".safetensors", expected = backbones + name + ".expected.safetensors";
    CHECK(feature_error(file, {}, expected, "normed") <= 1e-5);
    CHECK(feature_error(file, feature_of("stage"), expected, "last_stage") <= 1e-5);
    const Tensor image = Tensor::zeros({1, 32, 64, 3});
    CHECK(open_backbone(file, feature_of("auto", 2))->features(image).shape() == Shape{1, 4, 8, 24});
  }
  const Weights original(backbones + "convnext_orig.safetensors");
  std::map<std::string, Tensor> hugging, convolutions, grn;
  for (const auto& [name, t] : tensors_of(original)) {
    std::string theirs = replaced(name, ".norm.", ".layernorm.");
    theirs = replaced(theirs, "gamma", "layer_scale_parameter");
    theirs = replaced(theirs, "downsample_layers.0.0.", "embeddings.patch_embeddings.");
    theirs = replaced(theirs, "downsample_layers.0.1.", "embeddings.layernorm.");
    for (int s = 0; s < 4; ++s) {
      const std::string number = std::to_string(s);
      theirs = replaced(theirs, "downsample_layers." + number, "encoder.stages." + number + ".downsampling_layer");
      for (int i = 0; i < 2; ++i) {
        const std::string block = "stages." + number + "." + std::to_string(i) + ".";
        if (theirs.rfind(block, 0) == 0)
          theirs = replaced(theirs, block, "encoder.stages." + number + ".layers." + std::to_string(i) + ".");
      }
    }
    if (theirs.rfind("norm.", 0) == 0) theirs = "layer" + theirs;
    hugging["convnext." + theirs] = t;
    // Some files of timm have linear layers as convolutions.
    convolutions[name] = contains(name, "pwconv") && t.rank() == 2 ? t.reshape({t.dim(0), t.dim(1), 1, 1}) : t;
  }
  hugging["classifier.weight"] = Tensor::zeros({2});
  grn = convolutions;
  grn["stages.0.0.grn.gamma"] = Tensor::zeros({64});
  for (const auto& [name, tensors] : {std::pair{"hugging", hugging}, {"convolutions", convolutions}, {"grn", grn}})
    write_safetensors(folder / name, tensors);
  const std::string expected = backbones + "convnext_orig.expected.safetensors";
  CHECK(feature_error(folder / "hugging", {}, expected, "normed") <= 1e-5);
  CHECK(feature_error(folder / "convolutions", {}, expected, "normed") <= 1e-5);

  const auto backbone = open_backbone(folder / "hugging");
  CHECK(backbone->describe() == "ConvNeXt, stage 4 of width 40, patch 32");
  CHECK(backbone->feature() == "token");
  CHECK(open_backbone(folder / "hugging", feature_of("auto", 3))->feature() == "stage");
  CHECK(contains(message_of([&] { open_backbone(folder / "hugging", feature_of("token", 3)); }), "Take 'stage'"));
  CHECK(contains(message_of([&] { open_backbone(folder / "grn"); }),
                 "has the tensor 'stages.0.0.grn.gamma', which no layer of this program uses"));
}
