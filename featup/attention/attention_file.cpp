#include "featup/attention/attention_file.h"

#include <algorithm>

#include "featup/backbones/named_tensors.h"

namespace fu {

bool has_tensors(const Weights& file, const std::vector<std::string>& names) {
  std::string prefix;
  return find_prefix(file, names.front(), prefix) &&
         std::all_of(names.begin(), names.end(), [&](const std::string& name) { return file.has(prefix + name); });
}

std::string attention_prefix(const Weights& file) {
  std::string prefix;
  require<FileError>(find_prefix(file, "image_encoder.0.weight", prefix) ||
                         find_prefix(file, "image_encoder.encoder.0.weight", prefix),
                     file.path(), ": has no tensor 'image_encoder.0.weight'.");
  return prefix;
}

void load_attention_file(Module& network, const Weights& file, const std::vector<std::string>& unused) {
  NameRules rules;
  for (const std::string& pattern : unused) rules.push_back({pattern, ""});
  rules.push_back({"training.*", ""});  // what `featup train` keeps beside the weights to go on from
  rules.push_back({"*", "*"});
  const NamedTensors tensors(file, attention_prefix(file), rules);
  network.load([&](const std::string& name, const Shape& shape) { return tensors.read(name, shape); });
  tensors.require_all_read();
}

}  // namespace fu
