#include "tools/cli/methods.h"

#include <algorithm>
#include <filesystem>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "tools/media/feature_io.h"

namespace fu {

namespace {

constexpr const char* kFolder = "folder:";

/// The file of a photo's features, whether or not it is there.
std::string map_of(const std::string& folder, const std::string& photo) {
  const std::string path = folder + "/" + photo + ".npy";
  return std::filesystem::exists(path) ? path : folder + "/" + photo + ".safetensors";
}

/// Feature maps that somebody else made.
class FromFolder : public Upsampler {
 public:
  FromFolder(std::string folder, const std::string& photo) : folder_(std::move(folder)), photo_(photo) {
    require<FileError>(std::filesystem::is_directory(folder_), folder_, ": is no folder of feature files.");
  }
  std::string describe() const override { return "feature maps in " + folder_; }

  Cost cost() const override { return Cost::made_elsewhere; }

  Tensor operator()(const Tensor& features, const Guide&, Extent size, const ChannelMap* map,
                    const Progress&) const override {
    const std::string path = map_of(folder_, photo_);
    Tensor x = read_features(path, Layout::automatic, size);
    require<FileError>(x.dim(3) == features.dim(3), path, ": has ", x.dim(3), " channels, the backbone ",
                       features.dim(3), ".");
    if (map) x = linear(x, map->matrix.permute({1, 0}), Tensor());
    x = resize_bilinear(x, size.height, size.width);
    return map && map->offset.size() > 0 ? x + map->offset : x;
  }

 private:
  std::string folder_;
  const std::string& photo_;
};

/// The cost of a method by the name that a table was given.
Cost cost_of(const std::string& name) {
  if (name.rfind(kFolder, 0) == 0) return Cost::made_elsewhere;
  for (const UpsamplerMethod& method : upsampler_methods())
    if (!method.name.empty() && name.rfind(method.name, 0) == 0) return method.cost;
  return Cost::one_pass;
}

}  // namespace

std::string usual_methods() {
  std::string text;
  for (const Method& m : methods_with({}, false)) text += (text.empty() ? "" : ", ") + m.name;
  return text;
}

std::vector<Method> methods_with(const std::vector<std::string>& more, bool only) {
  std::vector<Method> methods;
  for (const UpsamplerMethod& method : upsampler_methods())
    if (!method.in_tables.empty() && (methods.empty() || !only)) methods.push_back({method.in_tables, method.cost});
  for (const std::string& given : more) {
    const std::string name = current_upsampler_name(given);
    if (std::none_of(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; }))
      methods.push_back({name, cost_of(name)});
  }
  return methods;
}

void require_maps(const std::vector<Method>& methods, const std::vector<std::string>& photos) {
  for (const Method& m : methods) {
    if (m.cost != Cost::made_elsewhere) continue;
    const std::string folder = m.name.substr(std::string(kFolder).size());
    for (const std::string& photo : photos)
      require<FileError>(std::filesystem::exists(map_of(folder, photo)), folder, ": holds no ", photo, ".npy or ",
                         photo, ".safetensors, the features of a photo to be measured.");
  }
}

std::unique_ptr<Upsampler> open_method(const std::string& name, const UpsamplerOptions& options,
                                       const std::string& photo) {
  const std::string prefix = kFolder;
  if (name.rfind(prefix, 0) == 0) return std::make_unique<FromFolder>(name.substr(prefix.size()), photo);
  return open_upsampler(name, options);
}

}  // namespace fu
