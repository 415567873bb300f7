#include "featup/backbones/model_config.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files/bytes.h"
#include "core/files/narrow_file.h"
#include "core/number_text.h"
#include "featup/fields.h"

namespace fu {

namespace {

using Json = nlohmann::json;

constexpr const char *kCarried = "featup.file.", *kSettings = "featup.settings";  // in converted weights' metadata
constexpr const char* kFiles[] = {"config.json", "open_clip_config.json", "preprocessor_config.json"};

/// A file of a model's folder; an empty object if it is not there.
struct ConfigFile {
  std::string name, path;
  Json json = Json::object();

  ConfigFile(const std::string& folder, const std::string& file)
      : name(file), path((std::filesystem::path(folder.empty() ? "." : folder) / file).string()) {
    parse(text_of_file(path));
  }
  /// Of converted weights.
  ConfigFile(const Weights& weights, const std::string& file) : name(file), path(weights.path() + ", " + file) {
    const auto it = weights.metadata().find(std::string(kCarried) + file);
    if (it != weights.metadata().end()) parse(it->second);
  }

  /// Empty if there is no such file.
  static std::string text_of_file(const std::string& path) {
    constexpr std::size_t kMost = std::size_t{1} << 22;  // they have some kilobytes
    std::error_code none;
    if (!std::filesystem::is_regular_file(path, none)) return {};
    const MappedFile mapped(path);
    require<FileError>(mapped.size() <= kMost, path, ": has ", mapped.size(), " bytes; no configuration is so large.");
    const std::string_view text = mapped.text(0, mapped.size());
    require<FileError>(!text.empty(), path, ": is empty. Mend or remove it.");
    return std::string(text);
  }
  void parse(const std::string& text) {
    if (text.empty()) return;
    check_json_texts(text, path);
    json = Json::parse(text.begin(), text.end(), nullptr, false);
    require<FileError>(json.is_object(), path, ": is no JSON object. Mend or remove it.");
  }

  FileError bad(const std::string& key, const std::string& what) const {
    return FileError(path + ": '" + key + "' is " + what + ".");
  }
  static const Json* find(const Json& object, const char* key) {
    const auto it = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && it != object.end() && !it->is_null() ? &*it : nullptr;
  }
  void read(const Json& object, const char* key, std::optional<Stated<Index>>& out) const {
    const Json* value = find(object, key);
    if (!value || !value->is_number_integer()) return;  // timm and others write lists for stages
    const auto number = value->get<std::int64_t>();
    if (number < 1 || number > (1 << 20)) throw bad(key, std::to_string(number) + ", expected a size");
    out = {number, name};
  }
  void read(const Json& object, const char* key, std::optional<Stated<double>>& out) const {
    const Json* value = find(object, key);
    if (!value) return;
    const double number = value->is_number() ? value->get<double>() : -1;
    if (!(number > 0 && number < 1e9)) throw bad(key, value->dump() + ", expected a positive number");
    out = {number, name};
  }
  void read(const Json& object, const char* key, std::optional<Stated<std::string>>& out) const {
    const Json* value = find(object, key);
    if (value && value->is_string()) out = {value->get<std::string>(), name};
  }
  /// Three positive numbers for `deviation`, any three for the mean.
  std::array<double, 3> triple(const Json& value, const char* key, bool positive) const {
    std::array<double, 3> numbers{};
    if (!value.is_array() || value.size() != 3) throw bad(key, value.dump().substr(0, 80) + ", expected 3 numbers");
    for (std::size_t i = 0; i < 3; ++i) {
      if (!value[i].is_number()) throw bad(key, value.dump().substr(0, 80) + ", expected 3 numbers");
      numbers[i] = value[i].get<double>();
      if (!std::isfinite(numbers[i]) || (positive && numbers[i] <= 0))
        throw bad(key, value.dump().substr(0, 80) + ", expected numbers above 0");
    }
    return numbers;
  }
  void read_normalization(const Json& object, const char* mean, const char* deviation,
                          std::optional<Stated<Normalization>>& out) const {
    const Json *m = find(object, mean), *d = find(object, deviation), *use = find(object, "do_normalize");
    if (use && use->is_boolean() && !use->get<bool>()) {
      out = {Normalization{{0, 0, 0}, {1, 1, 1}}, name};
      return;
    }
    if (m && d) out = {Normalization{triple(*m, mean, false), triple(*d, deviation, true)}, name};
  }
};

/// Hugging Face's id2label: {"0": "tench", ...}; timm's label_names: ["tench", ...]. Nothing if numbers are left out.
std::vector<std::string> labels_in(const Json& top) {
  std::vector<std::string> labels;
  const Json *by_number = ConfigFile::find(top, "id2label"), *list = ConfigFile::find(top, "label_names");
  if (by_number && by_number->is_object())
    for (std::size_t i = 0; i < by_number->size(); ++i) {
      const Json* one = ConfigFile::find(*by_number, std::to_string(i).c_str());
      if (!one || !one->is_string()) return {};
      labels.push_back(one->get<std::string>());
    }
  else if (list && list->is_array())
    for (const Json& one : *list) {
      if (!one.is_string()) return {};
      labels.push_back(one.get<std::string>());
    }
  return labels;
}

/// config.json of Hugging Face's transformers, or of timm.
void read_config(const ConfigFile& file, ModelConfig& config) {
  const Json& top = file.json;
  std::optional<Stated<std::string>> text;
  file.read(top, "model_type", text);
  if (text) config.model_type = text->value;
  text.reset();
  file.read(top, "architecture", text);
  if (text) config.architecture = text->value;
  config.labels = labels_in(top);
  const Json* vision = ConfigFile::find(top, "vision_config");
  const Json& model = vision ? *vision : top;
  file.read(model, "hidden_size", config.width);
  file.read(model, "num_attention_heads", config.heads);
  file.read(model, "layer_norm_eps", config.norm_eps);
  file.read(model, "rope_theta", config.rope_theta);
  file.read(model, "hidden_act", config.activation);
  if (const Json* text_model = ConfigFile::find(top, "text_config"))
    file.read(*text_model, "num_attention_heads", config.text_heads);
  if (config.architecture.empty()) return;
  file.read(top, "num_features", config.width);
  if (const Json* arguments = ConfigFile::find(top, "model_args")) {
    file.read(*arguments, "embed_dim", config.width);
    file.read(*arguments, "num_heads", config.heads);
  }
  const Json* pretrained = ConfigFile::find(top, "pretrained_cfg");
  file.read_normalization(pretrained ? *pretrained : top, "mean", "std", config.normalization);
}

void read_open_clip(const ConfigFile& file, ModelConfig& config) {
  const Json *model = ConfigFile::find(file.json, "model_cfg"),
             *preprocess = ConfigFile::find(file.json, "preprocess_cfg");
  if (preprocess) file.read_normalization(*preprocess, "mean", "std", config.normalization);
  if (!model) return;
  const Json *quick = ConfigFile::find(*model, "quick_gelu"), *vision = ConfigFile::find(*model, "vision_cfg");
  if (!config.activation)
    config.activation = {quick && quick->is_boolean() && quick->get<bool>() ? "quick_gelu" : "gelu", file.name};
  if (!vision) return;
  std::optional<Stated<Index>> width, head_width;
  file.read(*vision, "width", width);
  file.read(*vision, "head_width", head_width);
  if (!width) return;
  if (!config.width) config.width = width;
  if (!config.heads) config.heads = {width->value / (head_width ? head_width->value : 64), file.name};
}

/// "0.5,1,2" as numbers; none if it is something else.
std::optional<std::vector<double>> numbers_in(const std::string& text) {
  std::vector<double> numbers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    double number = 0;
    if (!read_number(text.substr(at, comma - at), number)) return {};
    numbers.push_back(number);
    at = comma + 1;
  }
  return numbers;
}

/// place: a folder, or converted weights.
template <class Place>
ModelConfig read_files(const Place& place) {
  ModelConfig config;
  read_config(ConfigFile(place, kFiles[0]), config);
  read_open_clip(ConfigFile(place, kFiles[1]), config);
  const ConfigFile preprocessor(place, kFiles[2]);
  preprocessor.read_normalization(preprocessor.json, "image_mean", "image_std", config.normalization);
  return config;
}

/// What was taken for the original: it depends on more than tensors, such as the file's name.
void read_settings(const Weights& weights, ModelConfig& config) {
  const auto it = weights.metadata().find(kSettings);
  if (it == weights.metadata().end()) return;
  const std::string source = "the original weights";
  std::map<std::string, std::string> texts = split_fields(it->second);
  const auto numbers = [&](const std::string& text, std::size_t count) {
    const std::optional<std::vector<double>> read = numbers_in(text);
    require<FileError>(read && read->size() == count, weights.path(), ": its settings say '", printable(text),
                       "', expected ", count, " numbers. The file is damaged.");
    return *read;
  };
  const auto triple = [&](const char* key, bool positive) {
    const std::vector<double> n = numbers(texts[key], 3);
    for (const double x : n)
      require<FileError>(!positive || x > 0, weights.path(), ": its setting '", key, "' is '", printable(texts[key]),
                         "', expected numbers above 0.");
    return std::array<double, 3>{n[0], n[1], n[2]};
  };
  if (texts.count("heads")) {
    const double heads = numbers(texts["heads"], 1)[0];
    require<FileError>(heads >= 1 && heads <= 1000, weights.path(), ": its settings say ", heads, " heads.");
    config.heads = {static_cast<Index>(heads), source};
  }
  if (texts.count("eps")) {
    const double eps = numbers(texts["eps"], 1)[0];
    require<FileError>(eps > 0 && eps < 1, weights.path(), ": its settings say an eps of ", eps, ".");
    config.norm_eps = {eps, source};
  }
  if (texts.count("activation")) config.activation = {texts["activation"], source};
  if (texts.count("positions")) config.positions = {texts["positions"], source};
  if (texts.count("mean") && texts.count("std"))
    config.normalization = {Normalization{triple("mean", false), triple("std", true)}, source};
}

}  // namespace

ModelConfig read_model_config(const std::string& folder) { return read_files(folder); }

ModelConfig read_model_config(const Weights& weights) {
  if (weights.metadata().count(kConvertedKey) == 0)
    return weights.folder().empty() ? ModelConfig{} : read_files(weights.folder());
  ModelConfig config = read_files(weights);
  config.width.reset();  // it was compared with the tensors before
  read_settings(weights, config);
  return config;
}

std::map<std::string, std::string> carried_config(const std::string& folder, const std::string& settings) {
  std::map<std::string, std::string> carried{{kSettings, settings}};
  for (const char* file : kFiles) {
    if (folder.empty()) break;
    const std::string text = ConfigFile::text_of_file((std::filesystem::path(folder) / file).string());
    if (!text.empty()) carried[std::string(kCarried) + file] = text;
  }
  return carried;
}

}  // namespace fu
