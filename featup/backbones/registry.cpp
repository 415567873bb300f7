#include "featup/backbones/registry.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace fu {

namespace {

/// "a", "a or b", "a, b or c".
std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  return text;
}

void add_once(std::vector<std::string>& words, const std::string& word) {
  if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

const BackboneFamily* carried_by_name(const std::string& name) {
  for (const BackboneFamily& family : backbone_families())
    if (family.carried && family.name == name) return &family;
  return nullptr;
}

void require_feature(const BackboneFamily& family, const std::string& path, const std::string& feature) {
  const bool known =
      feature == "auto" || std::find(family.features.begin(), family.features.end(), feature) != family.features.end();
  require<UsageError>(known, "[backbone] ", path, ": has no feature '", feature, "'. Choices are ",
                      listed(family.features), ".");
}

}  // namespace

const std::vector<BackboneFamily>& backbone_families() {
#define FU_BACKBONE_FAMILY(name) backbone_family_##name(),
  static const std::vector<BackboneFamily> families = {
#include "featup/backbones/families.def"
  };
#undef FU_BACKBONE_FAMILY
  return families;
}

std::string backbone_choices() {
  std::string names;
  std::vector<std::string> files;
  for (const BackboneFamily& family : backbone_families())
    if (family.carried) {
      names += family.name + " (" + family.summary + "), ";
    } else {
      std::istringstream words(family.summary);
      words.exceptions(std::ios::badbit);  // a stream else takes missing memory for the end of the text
      words.imbue(std::locale::classic());
      for (std::string word; std::getline(words >> std::ws, word, ',');) add_once(files, word);
    }
  return names + "or weights of " + listed(files) + ", as a file or a folder";
}

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const BackboneFamily& family : backbone_families())
    if (family.carried) names.push_back(family.name);
  return names;
}

std::vector<std::string> backbone_features() {
  std::vector<std::string> all{"auto"};
  for (const BackboneFamily& family : backbone_families())
    for (const std::string& feature : family.features) add_once(all, feature);
  return all;
}

Tensor Backbone::hidden_state(const Tensor&, Index) const {
  throw UsageError("[backbone] " + describe() + ": has no hidden states.");
}

Tensor Backbone::last_hidden_state(const Tensor&) const {
  throw UsageError("[backbone] " + describe() + ": has no last hidden state.");
}

std::string settings_text(const std::vector<BackboneSetting>& settings) {
  std::string text;
  for (const BackboneSetting& s : settings)
    text += (text.empty() ? "" : ", ") + s.name + " " + s.value + " (" + s.source + ")";
  return text;
}

const BackboneFamily* recognise_backbone(const Weights& weights, std::string& prefix) {
  refuse_other_networks(weights);
  for (const BackboneFamily& family : backbone_families())
    if (!family.carried && family.recognise(weights, prefix)) return &family;
  return nullptr;
}

std::unique_ptr<BackboneSummary> describe_backbone(const Weights& weights, const BackboneOptions& options) {
  std::string prefix;
  const BackboneFamily* family = recognise_backbone(weights, prefix);
  if (!family) return nullptr;
  require_feature(*family, weights.path(), options.feature);
  const BackboneFile file{weights, prefix, read_model_config(weights)};
  auto summary = std::make_unique<BackboneSummary>(family->describe(file, options));
  summary->prefix = prefix;
  return summary;
}

Weights backbone_weights(const std::string& name_or_path) {
  if (const BackboneFamily* family = carried_by_name(name_or_path)) return family->carried();
  std::error_code none;
  require<FileError>(name_or_path == "-" || std::filesystem::exists(name_or_path, none), "[backbone] ", name_or_path,
                     ": is neither a file nor a backbone's name. Choices are ", backbone_choices(), ".");
  return Weights(name_or_path);
}

std::unique_ptr<Backbone> open_backbone(const std::string& name_or_path, const BackboneOptions& options) {
  if (const BackboneFamily* family = carried_by_name(name_or_path)) {
    require_feature(*family, name_or_path, options.feature);
    return family->open({family->carried(), "", {}}, options);
  }
  return open_backbone(backbone_weights(name_or_path), options);
}

std::unique_ptr<Backbone> open_backbone(const Weights& weights, const BackboneOptions& options) {
  std::string prefix;
  const BackboneFamily* family = recognise_backbone(weights, prefix);
  require<FileError>(family, "[backbone] ", weights.path(), ": holds no backbone of a known family. Choices are ",
                     backbone_choices(), ".");
  require_feature(*family, weights.path(), options.feature);
  return family->open({weights, prefix, read_model_config(weights)}, options);
}

}  // namespace fu
