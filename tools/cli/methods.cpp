#include "tools/cli/methods.h"

#include <algorithm>
#include <filesystem>

#include "core/ops/resample.h"
#include "tools/media/feature_io.h"

namespace fu {

namespace {

// One line for each method; the first is what all others are measured against.
const Method kMethods[] = {
    {"bilinear", Cost::one_pass},    {"nearest", Cost::one_pass}, {"bicubic", Cost::one_pass},
    {"jbu-classic", Cost::one_pass}, {"builtin", Cost::one_pass}, {"views:80", Cost::many_passes},
    {"implicit", Cost::many_passes},
};

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

 protected:
  void enlarge(const Tensor&, const Guide&, Extent, real*, const Progress&) const override {
  }  // not reached: operator() does it all

 public:
  Tensor operator()(const Tensor& prepared, const Guide&, Extent size, const ChannelMap* map,
                    const Progress&) const override {
    const std::string path = map_of(folder_, photo_);
    Tensor x = read_features(path, Layout::automatic, size);
    require<FileError>(x.dim(3) == prepared.dim(3), path, ": has ", x.dim(3), " channels, the backbone ",
                       prepared.dim(3), ".");
    if (map) x = linear(x, map->matrix.permute({1, 0}), Tensor());
    x = resize_bilinear(x, size.height, size.width);
    return map && map->offset.size() > 0 ? x + map->offset : x;
  }

 private:
  std::string folder_;
  const std::string& photo_;
};

Cost cost_of(const std::string& name) {
  const auto begins = [&](const char* with) { return name.rfind(with, 0) == 0; };
  return begins(kFolder)                         ? Cost::made_elsewhere
         : begins("views") || begins("implicit") ? Cost::many_passes
                                                 : Cost::one_pass;
}

}  // namespace

std::vector<Method> methods_with(const std::vector<std::string>& more, bool only) {
  std::vector<Method> methods(std::begin(kMethods), only ? std::begin(kMethods) + 1 : std::end(kMethods));
  for (const std::string& name : more)
    if (std::none_of(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; }))
      methods.push_back({name, cost_of(name)});
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
