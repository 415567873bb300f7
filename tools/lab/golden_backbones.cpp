// Reference cases of backbones, recognised by their names: NAME.expected.safetensors beside weights NAME, or a folder
// of a model with an expected.safetensors in it.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "featup/backbones/backbone.h"
#include "featup/text/text_encoder.h"
#include "tools/lab/golden_case.h"

namespace fu {

namespace {

const char kExpected[] = "expected.safetensors";

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/// The weights beside NAME.expected.safetensors; empty if there are none.
std::string weights_beside(const std::string& expected) {
  std::string stem = expected.substr(0, expected.size() - std::string(kExpected).size());  // ends with a point
  // Texts are encoded by the other half of a file that has a case of its own.
  for (const auto& [text, whole] : {std::pair{"clip_text.", "hf_clip_quickgelu."}, {"siglip_text.", "hf_siglip."}})
    if (std::filesystem::path(stem).filename() == text)
      stem = stem.substr(0, stem.size() - std::string(text).size()) + whole;
  std::error_code none;
  for (const char* extension : {"safetensors", "pth", "pt"})
    if (std::filesystem::exists(stem + extension, none)) return stem + extension;
  return {};
}

/// A case under way: what is expected, and how the backbone is opened.
struct BackboneCase {
  Weights expected;
  std::string weights;
  GoldenResult& result;
  BackboneOptions options = {};
  int checked = 0;

  void compare(const std::string& name, const Tensor& actual) {
    result.error = std::max(result.error, largest_error(actual, expected.read(name)));
    ++checked;
  }
  std::unique_ptr<Backbone> open(const std::string& feature, Index layer = 0) const {
    BackboneOptions o = options;
    if (!feature.empty()) o.feature = feature;
    o.layer = layer;
    return open_backbone(weights, o);
  }
};

TokenIds ids_of(const Tensor& t) {
  TokenIds ids;
  for (Index i = 0; i < t.dim(0); ++i) {
    ids.emplace_back();
    for (Index k = 0; k < t.dim(1); ++k) ids.back().push_back(std::lround(t.data()[i * t.dim(1) + k]));
  }
  return ids;
}

/// text_features, or text_features_quick and text_features_gelu, of ids.
void run_texts(BackboneCase& c) {
  const TokenIds ids = ids_of(c.expected.read("ids"));
  for (const auto& [name, unused] : c.expected.entries()) {
    if (name.rfind("text_features", 0) != 0) continue;
    BackboneOptions options = c.options;
    if (name.size() > 14) options.activation = name.substr(14);
    c.compare(name, open_text_encoder(c.weights, options)->features(ids));
  }
}

/// Images in these files are normalised already; ImageNet's numbers leave them as they are.
void take_images_as_they_are(BackboneOptions& options) {
  options.mean = "0.485,0.456,0.406", options.std = "0.229,0.224,0.225";
}

void run_beside(BackboneCase& c) {
  const auto set = [&](const char* key, auto set_value) {
    const auto it = c.expected.metadata().find(key);
    if (it != c.expected.metadata().end()) set_value(it->second);
  };
  set("heads", [&](const std::string& v) { c.options.heads = std::stol(v); });
  set("eps", [&](const std::string& v) { c.options.norm_eps = std::stod(v); });
  set("act", [&](const std::string& v) { c.options.activation = v; });
  set("posmode", [&](const std::string& v) { c.options.positions = v; });
  set("feature", [&](const std::string& v) { c.options.feature = v; });
  for (const auto& [name, unused] : c.expected.entries()) {
    const bool sized = name.rfind("image.", 0) == 0;
    if (!sized && name != "image") continue;
    const std::string size = sized ? name.substr(5) : "";
    const Tensor image = to_nhwc(c.expected.read(name));
    const auto check = [&](const std::string& output, const std::string& feature, Index layer = 0) {
      if (c.expected.has(output + size)) c.compare(output + size, c.open(feature, layer)->features(image));
    };
    check("features", "");
    check("features_all_blocks_projected", "clip");
    check("layer4", "token");
    check("layer3", "token", 3);
    check("layer4_stride8", "dilated");
    check("normed", "token");
    check("last_stage", "stage");
  }
}

void run_folder(BackboneCase& c) {
  const Tensor image = c.expected.has("in.pixels") ? to_nhwc(c.expected.read("in.pixels")) : Tensor();
  for (const auto& [name, unused] : c.expected.entries()) {
    if (name.rfind("out.", 0) != 0) continue;
    const auto nchw = [&](const Tensor& t) { return t.permute({0, 3, 1, 2}); };
    if (name == "out.tokens") {
      c.compare(name, nchw(c.open("token")->features(image)));
    } else if (name == "out.cls") {
      c.compare(name, c.open("cls")->features(image));
    } else if (name == "out.maskclip") {
      c.compare(name, nchw(c.open("maskclip")->features(image)));
    } else if (name == "out.dense_projected") {
      c.compare(name, nchw(c.open("clip")->features(image)));
    } else if (name == "out.last") {
      c.compare(name, c.open("")->last_hidden_state(image));
    } else if (name.rfind("out.hidden", 0) == 0) {
      const Tensor hidden = c.open("")->hidden_state(image, std::stol(name.substr(10)));
      c.compare(name, hidden.rank() == 4 ? nchw(hidden) : hidden);
    } else if (name == "out.image") {
      c.compare(name, c.open("image")->features(image));
    } else if (name == "out.text") {
      c.compare(name, open_text_encoder(c.weights, c.options)->features(ids_of(c.expected.read("in.ids"))));
    } else {
      throw FileError(c.expected.path() + ": expects '" + name + "', which is no output of a backbone.");
    }
  }
}

}  // namespace

bool is_backbone_case(const std::string& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none))
    return std::filesystem::exists(std::filesystem::path(path) / kExpected, none);
  return ends_with(path, std::string(".") + kExpected) && Weights(path).metadata().count("op") == 0;
}

void run_backbone_case(const std::string& path, GoldenResult& result) {
  using Status = GoldenResult::Status;
  std::error_code none;
  const bool folder = std::filesystem::is_directory(path, none);
  result.op = folder ? "backbone folder" : "backbone";
  const std::string weights = folder ? path : weights_beside(path);
  BackboneCase c{Weights(folder ? (std::filesystem::path(path) / kExpected).string() : path), weights, result};
  take_images_as_they_are(c.options);
  if (weights.empty()) {
    result.status = Status::skipped;
    result.detail = "its weights are not there";
    return;
  }
  if (folder)
    run_folder(c);
  else if (c.expected.has("ids"))
    run_texts(c);
  else
    run_beside(c);
  require<FileError>(c.checked > 0, path, ": holds nothing to compare.");
  result.status = result.error <= result.tolerance ? Status::passed : Status::failed;
}

}  // namespace fu
