#include "featup/upsamplers/registry.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace fu {

// The functions that make the entries.
#define FU_UPSAMPLER(name) UpsamplerMethod upsampler_##name();
#define FU_UPSAMPLER_FIT(name) FU_UPSAMPLER(name)
#define FU_UPSAMPLER_ALIAS(old, name)
#include "featup/upsamplers/upsamplers.def"
#undef FU_UPSAMPLER
#undef FU_UPSAMPLER_FIT
#undef FU_UPSAMPLER_ALIAS

namespace {

struct Alias {
  std::string old, name;
};

/// With FU_INFERENCE_ONLY, methods that need the fit are not linked: opening one says so.
[[maybe_unused]] UpsamplerMethod left_out(const std::string& name) {
  UpsamplerMethod method;
  method.name = name;
  method.usage = name + " (not in this library)";
  method.open = [name](const std::string&, const UpsamplerOptions&) -> std::unique_ptr<Upsampler> {
    throw UsageError("upsampler " + name +
                     ": fits each photo, which this library, built for inference alone, cannot do. Link the whole "
                     "library, or choose another upsampler.");
  };
  return method;
}

std::vector<UpsamplerMethod> listed_methods() {
  return {
#define FU_UPSAMPLER(name) upsampler_##name(),
#ifdef FU_INFERENCE_ONLY
#define FU_UPSAMPLER_FIT(name) left_out(#name),
#else
#define FU_UPSAMPLER_FIT(name) upsampler_##name(),
#endif
#define FU_UPSAMPLER_ALIAS(old, name)
#include "featup/upsamplers/upsamplers.def"
#undef FU_UPSAMPLER
#undef FU_UPSAMPLER_FIT
#undef FU_UPSAMPLER_ALIAS
  };
}

const std::vector<Alias>& aliases() {
  static const std::vector<Alias> list = {
#define FU_UPSAMPLER(name)
#define FU_UPSAMPLER_FIT(name)
#define FU_UPSAMPLER_ALIAS(old, name) {#old, #name},
#include "featup/upsamplers/upsamplers.def"
#undef FU_UPSAMPLER
#undef FU_UPSAMPLER_FIT
#undef FU_UPSAMPLER_ALIAS
  };
  return list;
}

/// Whether `text` is the name alone, or the name and an argument.
bool begins_with_name(const std::string& text, const std::string& name) {
  return text == name || (text.rfind(name, 0) == 0 && text.size() > name.size() &&
                          std::string(":+@").find(text[name.size()]) != std::string::npos);
}

bool takes_argument(const UpsamplerMethod& method) { return method.usage != method.name; }

/// The methods of upsamplers.def, then those that were registered.
std::vector<UpsamplerMethod>& all_methods() {
  static std::vector<UpsamplerMethod> methods = listed_methods();
  return methods;
}

/// How many of them upsamplers.def lists.
std::size_t listed() {
  static const std::size_t count = listed_methods().size();
  return count;
}

std::string names() {
  std::string text;
  for (const UpsamplerMethod& method : upsampler_methods())
    if (!method.name.empty()) text += (text.empty() ? "" : ", ") + method.name;
  return text;
}

}  // namespace

const std::vector<UpsamplerMethod>& upsampler_methods() { return all_methods(); }

void register_upsampler(UpsamplerMethod method) {
  const std::string& name = method.name;
  const auto refuse = [&name](bool when, const char* rule) {
    if (when) throw UsageError("[register_upsampler] '" + name + "': " + rule);
  };
  const bool by_name = !name.empty() && method.open, by_file = method.reads && method.open_file;
  refuse(!by_name && !by_file, "needs a name and open, or reads and open_file.");
  refuse(!name.empty() && !method.open, "has a name, so it needs open.");
  refuse(name.find_first_of(":+@/.") != std::string::npos, "a name has none of :+@/. in it. Choose another.");
  refuse(method.usage.rfind(name, 0) != 0, "its usage must begin with its name.");
  const auto taken = [&name](const UpsamplerMethod& other) { return !name.empty() && other.name == name; };
  refuse(std::any_of(all_methods().begin(), all_methods().end(), taken) || current_upsampler_name(name) != name,
         "is an upsampler already. Choose another name.");
  all_methods().push_back(std::move(method));
}

void unregister_upsampler(const std::string& name) {
  std::vector<UpsamplerMethod>& methods = all_methods();
  const auto at = std::find_if(methods.begin() + static_cast<std::ptrdiff_t>(listed()), methods.end(),
                               [&name](const UpsamplerMethod& method) { return method.name == name; });
  if (at == methods.end())
    throw UsageError("[unregister_upsampler] '" + name + "': no upsampler of that name was registered.");
  methods.erase(at);
}

std::string current_upsampler_name(const std::string& name) {
  for (const Alias& alias : aliases())
    if (begins_with_name(name, alias.old)) return alias.name + name.substr(alias.old.size());
  return name;
}

std::unique_ptr<Upsampler> open_upsampler(const std::string& name_or_path, const UpsamplerOptions& options) {
  const std::string name = current_upsampler_name(name_or_path);
  for (const UpsamplerMethod& method : upsampler_methods()) {
    if (method.name.empty() || !(takes_argument(method) ? begins_with_name(name, method.name) : name == method.name))
      continue;
    return method.open(name.substr(method.name.size()), options);
  }
  const bool looks_like_a_name = name.find('/') == std::string::npos && name.find('.') == std::string::npos;
  try {
    return open_upsampler(Weights(name), options);
  } catch (const FileError& error) {
    if (!looks_like_a_name) throw;
    throw FileError("'" + name + "' is no upsampler and no file of one's weights: choices are " + names() +
                    ", or a file.");
  }
}

std::unique_ptr<Upsampler> open_upsampler(const Weights& file, const UpsamplerOptions& options) {
  for (const UpsamplerMethod& method : upsampler_methods())
    if (method.reads && method.reads(file)) return method.open_file(file, options);
  throw FileError(file.path() + ": holds no upsampler's weights. Give " + upsampler_choices() + ".");
}

std::string upsampler_choices() {
  std::string text;
  const std::vector<UpsamplerMethod>& methods = upsampler_methods();
  for (std::size_t i = 0; i < methods.size(); ++i)
    text += (i == 0 ? "" : i + 1 < methods.size() ? ", " : ", or ") + methods[i].usage;
  return text;
}

std::vector<QualityPreset> quality_presets() {
  std::vector<QualityPreset> all;
  for (const UpsamplerMethod& m : upsampler_methods()) all.insert(all.end(), m.qualities.begin(), m.qualities.end());
  return all;
}

std::string quality_choices() {
  std::string text;
  const std::vector<QualityPreset> presets = quality_presets();
  for (std::size_t i = 0; i < presets.size(); ++i)
    text += (i == 0                   ? ""
             : i + 1 < presets.size() ? ", "
                                      : ", or ") +
            presets[i].name + " (" + presets[i].opens + ", " + presets[i].summary + ")";
  return text;
}

std::string upsampler_of_quality(const std::string& quality) {
  std::string choices;
  for (const QualityPreset& preset : quality_presets()) {
    if (preset.name == quality) return preset.opens;
    choices += (choices.empty() ? "" : ", ") + preset.name;
  }
  throw UsageError("quality '" + quality + "': choices are " + choices + ".");
}

}  // namespace fu
