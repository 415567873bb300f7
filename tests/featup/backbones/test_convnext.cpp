#include "featup/backbones/convnext.h"

#include "core/ops.h"
#include "tests/featup/backbones/stages.h"
#include "tests/featup/backbones/stand_ins.h"

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

TEST_CASE("convnext: the pooled vector, hidden states, and transformers 5's names") {
  const TempFolder folder;
  Random random(6);
  std::map<std::string, Tensor> hf;
  for (const auto& [name, shape] : original_convnext(8, {1, 1, 1, 1})) {
    std::string theirs = name;
    for (int s = 0; s < 4; ++s) {
      const std::string number = std::to_string(s), block = "stages." + number + ".0.";
      const std::string down = "downsample_layers." + number + ".";
      if (name.rfind(down, 0) == 0) theirs = replaced(name, down, "model.stages." + number + ".downsample_layers.");
      if (theirs.rfind(block, 0) == 0) theirs = replaced(theirs, block, "model.stages." + number + ".layers.0.");
    }
    for (const auto& [from, to] : {std::pair{".dwconv.", ".depthwise_conv."}, {".pwconv", ".pointwise_conv"}})
      theirs = replaced(theirs, from, to);
    if (contains(theirs, ".layers.")) theirs = replaced(theirs, ".norm.", ".layer_norm.");
    if (name.rfind("norm.", 0) == 0) theirs = "layer_" + name;
    if (name.rfind("head.", 0) == 0 || name.rfind("norms.", 0) == 0) continue;
    hf[theirs] = random.uniform(shape, real(-0.3), real(0.3));
  }
  write_safetensors(folder / "hf", hf);
  const auto map = open_backbone(folder / "hf"), pooled = open_backbone(folder / "hf", feature_of("cls")),
             stage = open_backbone(folder / "hf", feature_of("stage"));
  const Tensor image = random.normal({2, 64, 96, 3});
  const Tensor tokens = map->features(image), one = pooled->features(image), last = map->last_hidden_state(image);
  REQUIRE(tokens.shape() == Shape{2, 2, 3, 64});
  CHECK(one.shape() == Shape{2, 1, 1, 64});
  CHECK(pooled->whole_image());
  CHECK(last.shape() == Shape{2, 7, 64});
  for (Index b = 0; b < 2; ++b) {
    const Tensor of_image = last.slice(b, b + 1).reshape({7, 64});
    CHECK(same_bits(of_image.slice(0, 1), one.slice(b, b + 1).reshape({1, 64})));
    CHECK(same_bits(of_image.slice(1, 7), tokens.slice(b, b + 1).reshape({6, 64})));
  }
  CHECK(same_bits(map->hidden_state(image, 0), image));
  CHECK(same_bits(map->hidden_state(image, 4), stage->features(image)));
  CHECK(map->hidden_state(image, 1).shape() == Shape{2, 16, 24, 8});
  // The mean of the map before its norm, normalised.
  const Tensor average = mean(stage->features(image).reshape({2, 6, 64}), 1);
  CHECK(relative_error(layer_norm(average, hf.at("layer_norm.weight"), hf.at("layer_norm.bias"), real(1e-6)),
                       one.reshape({2, 1, 64})) <= 1e-5);
}
