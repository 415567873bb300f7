#include "featup/backbones/registry.h"

#include <algorithm>
#include <filesystem>

namespace fu {

namespace {

/// "a", "a or b", "a, b or c".
std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  return text;
}

const BackboneFamily* carried_by_name(const std::string& name) {
  for (const BackboneFamily& family : backbone_families())
    if (family.carried && family.name == name) return &family;
  return nullptr;
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
    if (family.carried)
      names += family.name + " (" + family.summary + "), ";
    else
      files.push_back(family.summary);
  return names + "or a file of " + listed(files) + " weights";
}

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const BackboneFamily& family : backbone_families())
    if (family.carried) names.push_back(family.name);
  return names;
}

std::vector<std::string> backbone_features() {
  std::vector<std::string> all;
  for (const BackboneFamily& family : backbone_families())
    for (const std::string& feature : family.features)
      if (std::find(all.begin(), all.end(), feature) == all.end()) all.push_back(feature);
  return all;
}

const BackboneFamily* recognise_backbone(const Weights& weights, std::string& prefix) {
  for (const BackboneFamily& family : backbone_families())
    if (!family.carried && family.recognise(weights, prefix)) return &family;
  return nullptr;
}

std::unique_ptr<Backbone> open_backbone(const std::string& name_or_path, const BackboneOptions& options) {
  const BackboneFamily* family = carried_by_name(name_or_path);
  std::error_code none;
  require<FileError>(family || std::filesystem::exists(name_or_path, none), "[backbone] ", name_or_path,
                     ": is neither a file nor a backbone's name. Choices are ", backbone_choices(), ".");
  const Weights weights = family ? family->carried() : Weights(name_or_path);
  std::string prefix;
  if (!family) family = recognise_backbone(weights, prefix);
  require<FileError>(family, "[backbone] ", name_or_path, ": holds no backbone of a known family. Choices are ",
                     backbone_choices(), ".");
  require<UsageError>(
      std::find(family->features.begin(), family->features.end(), options.feature) != family->features.end(),
      "[backbone] ", name_or_path, ": has no feature '", options.feature, "'. Choices are ", listed(family->features),
      ".");
  return family->open(weights, prefix, options);
}

}  // namespace fu
