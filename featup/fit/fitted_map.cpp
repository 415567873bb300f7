#include "featup/fit/fitted_map.h"

#include "featup/fields.h"

namespace fu {

namespace {

/// Levels 0 to 255 as a tensor (1,H,W,3).
Tensor levels_of(const Image& photo) {
  Tensor t({1, photo.height, photo.width, 3});
  for (Index i = 0; i < t.size(); ++i) t.data()[i] = static_cast<real>(photo.rgb[usize(i)]);
  return t;
}

}  // namespace

void FittedMap::save(const std::string& path) const {
  std::map<std::string, Tensor> tensors = extra;
  std::map<std::string, std::string> all = settings;
  all["format"] = kFittedFormat;
  tensors["photo"] = levels_of(photo).reshape({photo.height, photo.width, 3});
  tensors["low"] = low;
  if (grid.size() > 0) {
    tensors["grid"] = grid;
    all["grid_space"] = field_text(widths.space), all["grid_color"] = field_text(widths.color);
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
  return format != file.metadata().end() && format->second == kFittedFormat;
}

}  // namespace fu
