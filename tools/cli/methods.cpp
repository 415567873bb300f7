#include "tools/cli/methods.h"

#include <algorithm>
#include <filesystem>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "tools/media/feature_io.h"

namespace fu {

namespace {

const std::string kFolder = "folder:";

/// Methods that all tables have, as tables run them.
std::vector<std::string> names_in_tables() {
  std::vector<std::string> names;
  for (const UpsamplerMethod& method : upsampler_methods())
    if (!method.in_tables.empty()) names.push_back(method.in_tables);
  return names;
}

/// The file of a photo's features, whether or not it is there.
std::string map_file(const std::string& folder, const std::string& photo) {
  const std::string path = folder + "/" + photo + ".npy";
  return std::filesystem::exists(path) ? path : folder + "/" + photo + ".safetensors";
}

/// Feature maps that another program made.
class FromFolder : public Upsampler {
 public:
  FromFolder(std::string folder, const std::string& photo) : folder_(std::move(folder)), photo_(photo) {
    require<FileError>(std::filesystem::is_directory(folder_), folder_, ": is no folder of feature files.");
  }
  std::string describe() const override { return "feature maps in " + folder_; }
  Cost cost() const override { return Cost::made_elsewhere; }
  Tensor operator()(const Tensor& features, const Guide&, Extent size, const ChannelMap* map,
                    const Progress&) const override {
    const std::string path = map_file(folder_, photo_);
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

}  // namespace

void EvalArgs::add(Command& app) {
  add_methods(app);
  app.add_option("-o,--output", output, "folder for the pictures; default featup-out");
}

void EvalArgs::add_methods(Command& app) {
  std::string common;
  for (const std::string& name : names_in_tables()) common += (common.empty() ? "" : ", ") + name;
  app.add_option("--upsampler", more,
                 "a method beside " + common +
                     ": any that upsample takes, or folder:DIR for feature files made elsewhere, DIR/NAME.npy; may be "
                     "given often");
  app.add_flag("--only", only, names_in_tables().front() + " and what --upsampler names, no other methods");
}

std::vector<Method> open_methods(const EvalArgs& args, const UpsamplerOptions& options, const std::string& photo) {
  std::vector<std::string> names = names_in_tables();
  if (args.only) names.resize(1);
  for (const std::string& name : args.more)
    if (std::find(names.begin(), names.end(), current_upsampler_name(name)) == names.end())
      names.push_back(current_upsampler_name(name));
  std::vector<Method> methods;
  for (const std::string& name : names)
    methods.push_back({name, name.rfind(kFolder, 0) == 0
                                 ? std::make_unique<FromFolder>(name.substr(kFolder.size()), photo)
                                 : open_upsampler(name, options)});
  return methods;
}

void require_maps(const std::vector<Method>& methods, const std::vector<std::string>& photos) {
  for (const Method& m : methods) {
    if (m.cost() != Cost::made_elsewhere) continue;
    const std::string folder = m.name.substr(kFolder.size());
    for (const std::string& photo : photos)
      require<FileError>(std::filesystem::exists(map_file(folder, photo)), folder, ": holds no ", photo, ".npy or ",
                         photo, ".safetensors, the features of a photo to be measured.");
  }
}

std::vector<TableRow> table_rows(const std::vector<Method>& methods, Index slow_every) {
  std::vector<TableRow> rows;
  for (const Cost cost : {Cost::one_pass, Cost::made_elsewhere, Cost::many_passes}) {
    bool compare = cost == Cost::many_passes && slow_every > 1;
    for (std::size_t m = 0; m < methods.size(); ++m) {
      if (methods[m].cost() != cost) continue;
      if (compare) rows.push_back({methods[0].name + ", there", 0, true});
      compare = false;
      rows.push_back({methods[m].name, m});
    }
  }
  return rows;
}

bool has_own_space(const Upsampler& upsampler, const Tensor& features) {
  const Tensor prepared = upsampler.output_space(features);
  return prepared.data() != features.data();
}

std::size_t name_width(const std::vector<Method>& methods) {
  std::size_t width = 8;
  for (const Method& m : methods) width = std::max(width, m.name.size());
  return width;
}

}  // namespace fu
