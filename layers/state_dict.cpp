#include "layers/state_dict.h"

#include <algorithm>
#include <cmath>

namespace fu {

namespace {

std::string list(const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  if (names.empty()) return "";
  std::string text = std::string(what) + ": ";
  for (std::size_t i = 0; i < std::min(kMost, names.size()); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kMost) text += cat(" and ", names.size() - kMost, " more");
  return text + "; ";
}

/// Named tensors, in a file or in memory.
struct Source {
  std::string path;
  std::map<std::string, Shape> shapes;
  std::function<Tensor(const std::string& name)> read;
};

/// Some files write a 1x1 convolution without its two ones.
bool fits(const Shape& found, const Shape& expected) {
  const bool flat = expected.rank() == 4 && expected[2] == 1 && expected[3] == 1 && found.rank() == 2;
  return found == (flat ? Shape{expected[0], expected[1]} : expected);
}

StateDifferences load(Module& module, const Source& source, const std::string& prefix, bool strict) {
  // What the module has now: names and shapes, and the values of parameters that keep them.
  std::map<std::string, Tensor> state;
  module.save(state);
  StateDifferences differences;
  for (auto& [name, value] : state) {
    const auto found = source.shapes.find(prefix + name);
    if (found == source.shapes.end())
      differences.missing.push_back(prefix + name);
    else if (!fits(found->second, value.shape()))
      differences.misshapen.push_back(cat(prefix, name, " ", found->second, ", expected ", value.shape()));
    else if (strict && !differences.none())
      continue;  // it will be refused; the others are only compared
    else
      value = source.read(prefix + name).reshape(value.shape());
  }
  for (const auto& [name, shape] : source.shapes)
    if (name.rfind(prefix, 0) == 0 && !state.count(name.substr(prefix.size()))) differences.unexpected.push_back(name);
  require<FileError>(!strict || differences.none(), source.path, ": [load_state_dict] ", differences.text(),
                     ". Load a file of the same network, or load what fits (strict = false).");
  module.load([&](const std::string& name, const Shape&) { return state.at(name); });
  return differences;
}

}  // namespace

std::string StateDifferences::text() const {
  std::string text = list("missing", missing) + list("unexpected", unexpected) + list("of another shape", misshapen);
  return text.substr(0, text.size() - std::min<std::size_t>(2, text.size()));
}

std::map<std::string, Tensor> state_dict(Module& module, const std::string& prefix) {
  std::map<std::string, Tensor> tensors;
  module.save(tensors, prefix);
  for (auto& [name, tensor] : tensors) tensor = tensor.clone();
  return tensors;
}

StateDifferences load_state_dict(Module& module, const Weights& weights, const std::string& prefix, bool strict) {
  Source source;
  source.path = weights.path();
  for (const auto& [name, entry] : weights.entries()) source.shapes[name] = entry.shape;
  source.read = [&](const std::string& name) { return weights.read(name, weights.shape(name)); };
  return load(module, source, prefix, strict);
}

StateDifferences load_state_dict(Module& module, const std::map<std::string, Tensor>& tensors,
                                 const std::string& prefix, bool strict) {
  Source source;
  source.path = "tensors in memory";
  for (const auto& [name, tensor] : tensors) source.shapes[name] = tensor.shape();
  source.read = [&](const std::string& name) {
    const Tensor& t = tensors.at(name);
    require<FileError>(std::all_of(t.data(), t.data() + t.size(), [](real x) { return std::isfinite(x); }),
                       "tensors in memory: '", name, "' holds a number that is not finite.");
    return t.clone();
  };
  return load(module, source, prefix, strict);
}

void save_state_dict(Module& module, const std::string& path, const std::map<std::string, std::string>& metadata) {
  std::map<std::string, Tensor> tensors;
  module.save(tensors);
  write_safetensors(path, tensors, metadata);
}

}  // namespace fu
