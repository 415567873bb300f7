// Backbones whose weights have 16 or 8 bits: converted files, BackboneOptions::precision, and damaged files.
#include <fstream>

#include "core/files/narrow_file.h"
#include "featup/backbones/convert.h"
#include "featup/backbones/model_config.h"
#include "featup/backbones/registry.h"
#include "featup/measure/scene.h"
#include "featup/photo/preprocess.h"
#include "tests/core/file_bytes.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr NarrowType kNarrowTypes[] = {NarrowType::f16, NarrowType::bf16, NarrowType::int8};

BackboneOptions of_precision(const std::string& name) {
  BackboneOptions options;
  options.precision = name;
  return options;
}

Tensor photo() { return normalize(render_scene(3, 64, 96).image); }

/// Mean cosine of the feature vectors.
double cosine(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const Index c = a.dim(-1), n = a.size() / c;
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    double ab = 0, aa = 0, bb = 0;
    for (Index j = i * c; j < (i + 1) * c; ++j) {
      const double x = double(a.data()[j]), y = double(b.data()[j]);
      ab += x * y, aa += x * x, bb += y * y;
    }
    sum += ab / std::sqrt(aa * bb);
  }
  return sum / double(n);
}

Tensor features_by(const std::string& path, const BackboneOptions& options = {}) {
  return open_backbone(path, options)->features(photo());
}

}  // namespace

TEST_CASE("narrow backbone: the built-in one, converted") {
  const TempFolder folder;
  const Tensor full = features_by("builtin");
  const Weights original = backbone_weights("builtin");
  convert_weights(original, folder / "f32", NarrowType::none);
  CHECK(same_bits(features_by(folder / "f32"), full));
  for (const NarrowType type : kNarrowTypes) {
    const std::string name = narrow_name(type), path = folder / name;
    CAPTURE(name);
    const ConvertedWeights done = convert_weights(original, path, type);
    CHECK(done.tensors == static_cast<Index>(original.entries().size()));
    CHECK(done.narrow > 0);
    const Tensor narrow = features_by(path);
    CHECK(cosine(narrow, full) >= (type == NarrowType::int8 ? .995 : .9995));
    CHECK(same_bits(narrow, full) == (type == NarrowType::f16));  // the library carries it as f16
    // Narrowed while it is opened, it is the same.
    CHECK(same_bits(features_by("builtin", of_precision(name)), narrow));
    CHECK(same_bits(features_by(folder / "f32", of_precision(name)), narrow));
    // Widened, weights of 16 bits give the same bits; where activations are rounded too, they are not then.
    const Tensor wide = features_by(path, of_precision("f32"));
    if (type == NarrowType::int8)
      CHECK(cosine(wide, narrow) >= .9999);
    else if (type == NarrowType::bf16 && kernels().rounds_bf16)
      CHECK(cosine(wide, narrow) >= .999);
    else
      CHECK(same_bits(wide, narrow));
    // To f32 and back.
    convert_weights(Weights(path), folder / "wide", NarrowType::none);
    CHECK(same_bits(features_by(folder / "wide"), wide));
    CHECK(same_bits(features_by(folder / "wide", of_precision(name)), narrow));
    convert_weights(Weights(path), folder / "again", type);
    CHECK(read_bytes(folder / "again") == read_bytes(path));
    const auto summary = describe_backbone(Weights(path));
    REQUIRE(summary);
    CHECK(contains(settings_text(summary->settings), "precision " + name + " (as the file has them)"));
  }
  // Only shared in 16 bits, it is f32 in memory, which is faster.
  CHECK(!contains(settings_text(describe_backbone(original)->settings), "precision"));
  const auto size = [&](const char* name) { return double(std::filesystem::file_size(folder / name)); };
  CHECK(size("bf16") < .62 * size("f32"));
  CHECK(size("int8") < .42 * size("f32"));
}

TEST_CASE("narrow backbone: every family gives the same converted and narrowed while it is opened") {
  const VitSizes sizes{64, 2, 16, 6, 0, 0}, registers{64, 2, 16, 6, 4, 0}, rotary{64, 2, 16, 0, 4, 0};
  const std::vector<std::pair<std::string, Shapes>> networks = {{"original", original_vit(sizes)},
                                                                {"dinov2", original_dinov2(registers)},
                                                                {"dinov3", original_dinov3(rotary)},
                                                                {"hf_vit", hf_vit(sizes)},
                                                                {"hf_dinov2", hf_dinov2(sizes)},
                                                                {"hf_dinov3", hf_dinov3(rotary)},
                                                                {"clip", openai_clip(sizes, 32)},
                                                                {"hf_clip", hf_clip(sizes, 32)},
                                                                {"siglip", hf_siglip(sizes)},
                                                                {"resnet", resnet(16, {1, 1, 1, 1})},
                                                                {"convnext", original_convnext(16, {1, 1, 1, 1})}};
  const TempFolder folder;
  for (const auto& network : networks) {
    CAPTURE(network.first);
    const std::string path = folder / (network.first + ".safetensors");
    write_random(path, network.second);
    const Tensor full = features_by(path);
    for (const NarrowType type : kNarrowTypes) {
      CAPTURE(narrow_name(type));
      convert_weights(Weights(path), folder / "narrow", type);
      const Tensor narrow = features_by(folder / "narrow");
      CHECK(same_bits(features_by(path, of_precision(narrow_name(type))), narrow));
      CHECK(cosine(narrow, full) > .99);
      CHECK(!same_bits(narrow, full));
    }
  }
}

TEST_CASE("narrow backbone: what stands beside the original's tensors is carried") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "model");
  write_random(folder / "model/model.safetensors", hf_vit({64, 2, 16, 6, 0, 0}));
  write_bytes(folder / "model/config.json",
              R"({"model_type": "vit", "hidden_size": 64, "num_attention_heads": 8, "layer_norm_eps": 1e-12,
                  "id2label": {"0": "cat", "1": "dog"}})");
  write_bytes(folder / "model/preprocessor_config.json",
              R"({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.1]})");
  convert_weights(Weights(folder / "model"), folder / "alone.safetensors", NarrowType::none);
  CHECK(same_bits(features_by(folder / "alone.safetensors"), features_by(folder / "model")));
  const ModelConfig config = read_model_config(Weights(folder / "alone.safetensors"));
  CHECK(config.labels == std::vector<std::string>{"cat", "dog"});
  const auto summary = describe_backbone(Weights(folder / "alone.safetensors"));
  const std::string settings = settings_text(summary->settings);
  CAPTURE(settings);
  CHECK(contains(settings, "heads 8 (the original weights)"));
  CHECK(contains(settings, "eps 1e-12 (the original weights)"));
  CHECK(contains(settings, "mean 0.5,0.4,0.3 (the original weights)"));
}

TEST_CASE("narrow backbone: what cannot be converted is refused") {
  const TempFolder folder;
  BackboneOptions options;
  options.heads = 4;
  const auto error = [&](const std::string& path, NarrowType type) {
    const std::string text = message_of([&] { convert_weights(Weights(path), folder / "out", type, options); });
    CHECK(!std::filesystem::exists(folder / "out"));
    return text;
  };
  write_safetensors(folder / "other", {{"words", Tensor::zeros({3, 4})}});
  CHECK(contains(error(folder / "other", NarrowType::int8),
                 "holds no backbone, and only a backbone's weights can be int8"));
  Shapes shapes = original_vit({64, 1, 16, 6, 0, 0});
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, shape] : shapes) tensors[name] = Tensor::full(shape, real(.01));
  tensors["blocks.0.mlp.fc1.weight"].data()[5] = 70000;
  write_safetensors(folder / "large", tensors);
  CHECK(contains(error(folder / "large", NarrowType::f16), "tensor 'blocks.0.mlp.fc1.weight' holds a number that f16"));
  options.precision = "f16";
  CHECK(contains(message_of([&] { open_backbone(folder / "large", options); }), "too large for f16"));
  options.precision = "bf16";
  CHECK(message_of([&] { open_backbone(folder / "large", options); }).empty());
  tensors["blocks.0.mlp.fc1.weight"].data()[5] = real(NAN);
  write_safetensors(folder / "none", tensors);
  CHECK(contains(error(folder / "none", NarrowType::int8), "does not: infinite, none, or too large"));
}

TEST_CASE("narrow backbone: damaged files are refused in a line that says why") {
  const TempFolder folder;
  const std::string small = folder / "small", good = folder / "good";
  std::map<std::string, Tensor> tensors;
  Random random(5);
  for (const auto& [name, shape] : original_vit({16, 1, 16, 2, 0, 0})) tensors[name] = random.normal(shape);
  write_safetensors(small, tensors);
  BackboneOptions options;
  options.heads = 2;
  convert_weights(Weights(small), good, NarrowType::int8, options);
  const std::string bytes = read_bytes(good);
  REQUIRE(message_of([&] { open_backbone(good); }).empty());
  const auto error = [&](const std::string& changed) {
    write_bytes(folder / "bad", changed);
    const std::string text = message_of([&] { open_backbone(folder / "bad", options); });
    CAPTURE(text);
    CHECK(contains(text, folder / "bad"));
    CHECK(!contains(text, "\n"));
    return text;
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    REQUIRE(from.size() == to.size());
    std::string changed = bytes;
    const std::size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, from.size(), to);
  };
  CHECK(contains(error(replaced("\"featup.converted\":\"1\"", "\"featup.converted\":\"7\"")),
                 "holds converted weights of version '7', and this program reads version 1"));
  CHECK(contains(error(replaced("blocks.0.attn.proj.weight.scale", "blocks.0.attn.proj.weight.scalf")),
                 "'blocks.0.attn.proj.weight.scale', which says what they stand for, is missing"));
  CHECK(contains(error(replaced("featup.converted", "featup.invertedx")), "of 8-bit numbers, without the scales"));
  // Settings that no network has.
  const auto setting = [&](const std::string& name, char first) {
    const std::size_t begin = bytes.find(" " + name + "=", bytes.find("featup.settings"));
    REQUIRE(begin != std::string::npos);
    std::string changed = bytes;
    changed[begin + name.size() + 2] = first;
    return changed;
  };
  CHECK(contains(error(setting("positions", '?')), "wants positions resized by '?"));
  CHECK(contains(error(setting("activation", '?')), "wants the activation '?"));
  CHECK(contains(error(setting("eps", '?')), "expected 1 numbers"));
  // A scale that is another number, or has another shape.
  const std::string entry = "\"blocks.0.attn.proj.weight.scale\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[";
  const std::size_t at = bytes.find(entry);
  REQUIRE(at != std::string::npos);
  const auto header = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(bytes[1]));
  const std::size_t scale = 8 + header + std::stoul(bytes.substr(at + entry.size()));
  for (const auto& [number, part] : {std::pair<std::string, std::string>{std::string("\0\0\0\0", 4), "holds 0"},
                                     {std::string("\0\0\xc0\x7f", 4), "nan"},
                                     {std::string("\0\0\x80\x7f", 4), "inf"},
                                     {std::string("\0\0\x80\xbf", 4), "holds -1"}}) {
    std::string changed = bytes;
    changed.replace(scale + 8, 4, number);
    const std::string message = error(changed);
    CHECK(contains(message, "'blocks.0.attn.proj.weight.scale'"));
    CHECK(contains(message, part));
    CHECK(contains(message, "at element 2, expected numbers above 0"));
  }
  std::string text = bytes.substr(8, header);
  const std::size_t shape = text.find("[16]", text.find(entry));
  text.replace(shape, 4, "[4,4]");
  CHECK(contains(error(safetensors(text, bytes.substr(8 + header))),
                 "'blocks.0.attn.proj.weight.scale' is f32 of shape (4,4), expected f32 of (16)"));
  CHECK(contains(error(bytes.substr(0, bytes.size() - 10)), "the file is cut off or damaged"));
}
