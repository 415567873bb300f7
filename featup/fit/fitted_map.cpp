#include "featup/fit/fitted_map.h"

#include <cmath>
#include <cstdlib>

#include "featup/fields.h"

namespace fu {

namespace {

constexpr const char* kFormat = "featup fit 1";

/// Levels 0 to 255 as a tensor (1,H,W,3), and back.
Tensor levels_of(const Image& photo) {
  Tensor t({1, photo.height, photo.width, 3});
  for (Index i = 0; i < t.size(); ++i) t.data()[i] = static_cast<real>(photo.rgb[usize(i)]);
  return t;
}

Image picture_of(const Tensor& levels, const std::string& path) {
  Image photo{levels.dim(0), levels.dim(1), {}};
  for (Index i = 0; i < levels.size(); ++i) {
    const real level = levels.data()[i];
    require<FileError>(level >= 0 && level <= 255, path, ": its photo has a level of ", level,
                       "; levels go from 0 to 255.");
    photo.rgb.push_back(static_cast<unsigned char>(std::lround(level)));
  }
  return photo;
}

double number(const std::map<std::string, std::string>& settings, const std::string& key, const std::string& path) {
  const auto it = settings.find(key);
  char* end = nullptr;
  const double value = it == settings.end() ? NAN : std::strtod(it->second.c_str(), &end);
  require<FileError>(std::isfinite(value) && end != it->second.c_str(), path, ": its setting '", key,
                     "' is missing or no number.");
  return value;
}

}  // namespace

void FittedMap::save(const std::string& path) const {
  std::map<std::string, Tensor> tensors = extra;
  std::map<std::string, std::string> all = settings;
  all["format"] = kFormat;
  tensors["photo"] = levels_of(photo).reshape({photo.height, photo.width, 3});
  tensors["low"] = low;
  if (grid.size() > 0) {
    tensors["grid"] = grid;
    all["grid_space"] = std::to_string(widths.space), all["grid_color"] = std::to_string(widths.color);
  }
  if (pca.components.size() > 0) tensors["pca.components"] = pca.components, tensors["pca.mean"] = pca.mean;
  if (network) {
    network->save(tensors, "upsampler.");
    all["frequencies"] = std::to_string(network_options.frequencies),
    all["color_features"] = network_options.color ? "1" : "0";
    all["highest_frequency"] = field_text(network_options.highest);
  }
  write_safetensors(path, tensors, all);
}

bool FittedMap::present(const std::string& path) {
  const Weights file(path);
  const auto format = file.metadata().find("format");
  return format != file.metadata().end() && format->second == kFormat;
}

FittedMap FittedMap::load(const std::string& path) {
  const Weights file(path);
  const auto format = file.metadata().find("format");
  require<FileError>(format != file.metadata().end() && format->second == kFormat, path,
                     ": is no fitted map. featup fit makes them.");
  FittedMap fit;
  fit.settings = file.metadata();
  const auto shaped = [&](const char* name, int rank) {
    const Shape& s = file.shape(name);
    require<FileError>(s.rank() == rank && s.elements() > 0 && (rank != 4 || s[0] == 1), path, ": '", name,
                       "' has the shape ", s, ".");
    return file.read(name, s);
  };
  const Tensor levels = shaped("photo", 3);
  require<FileError>(levels.dim(2) == 3, path, ": its photo has the shape ", levels.shape(), ".");
  fit.photo = picture_of(levels, path);
  fit.low = shaped("low", 4);
  Index k = fit.low.dim(3);
  if (file.has("pca.components")) {
    fit.pca.components = shaped("pca.components", 2), fit.pca.mean = shaped("pca.mean", 1);
    require<FileError>(fit.pca.components.dim(1) == k && fit.pca.mean.dim(0) == k, path, ": principal components ",
                       fit.pca.components.shape(), " for features of ", k, " channels.");
    k = fit.pca.components.dim(0);
  }
  if (file.has("grid")) {
    fit.grid = shaped("grid", 4);
    fit.widths = {number(fit.settings, "grid_space", path), number(fit.settings, "grid_color", path)};
    require<FileError>(fit.grid.dim(3) == k && fit.widths.space >= 0.05 && fit.widths.space <= 100 &&
                           fit.widths.color >= 0.005 && fit.widths.color <= 100,
                       path, ": grid ", fit.grid.shape(), " for ", k, " channels.");
  }
  if (file.has("upsampler.1.biases")) {
    const double frequencies = number(fit.settings, "frequencies", path);
    require<FileError>(frequencies >= 1 && frequencies <= 4096, path, ": has ", frequencies, " frequencies.");
    fit.network_options.frequencies = static_cast<Index>(frequencies),
    fit.network_options.color = number(fit.settings, "color_features", path) != 0;
    if (fit.settings.count("highest_frequency"))
      fit.network_options.highest = number(fit.settings, "highest_frequency", path);
    require<FileError>(fit.network_options.highest >= -2 && fit.network_options.highest <= 20, path,
                       ": its highest frequency is e^", fit.network_options.highest, ".");
    fit.network = std::make_shared<ImplicitNetwork>(fit.network_options, k, nullptr);
    fit.network->load(file, "upsampler.");
  }
  require<FileError>(fit.grid.size() > 0 || fit.network, path, ": holds neither a grid nor a network.");
  for (const auto& [name, entry] : file.entries())
    if (name.rfind("downsampler.", 0) == 0 || name.rfind("scale_net.", 0) == 0 || name.rfind("resume.", 0) == 0 ||
        name == "history")
      fit.extra[name] = file.read(name, entry.shape);
  return fit;
}

}  // namespace fu
