#include "tools/media/feature_io.h"

#include <cmath>

namespace fu {

Tensor read_features(const std::string& path, Layout layout, Extent image) {
  const Weights file(path);
  const Tensor t = file.has("features") ? file.read("features") : file.read_single();
  Shape s = t.shape();
  if (s.rank() == 4 && s[0] == 1) s = Shape{s[1], s[2], s[3]};
  require<FileError>(s.rank() == 3 && s.elements() > 0, path, ": holds an array of shape ", t.shape(),
                     "; a feature map is (h,w,C) or (C,h,w).");
  for (Index i = 0; i < t.size(); ++i)
    require<FileError>(std::isfinite(t.data()[i]) && std::abs(t.data()[i]) < real(1e18), path, ": element ", i,
                       " is not a finite number of sensible size. Features must be.");
  if (layout == Layout::automatic) {
    const auto mismatch = [&](Index h, Index w) {
      const double ratio = image.height > 0 ? static_cast<double>(image.height) / static_cast<double>(image.width) : 1;
      return std::abs(std::log(static_cast<double>(h) / static_cast<double>(w) / ratio));
    };
    layout = mismatch(s[1], s[2]) < mismatch(s[0], s[1]) ? Layout::chw : Layout::hwc;
  }
  if (layout == Layout::hwc) return t.reshape({1, s[0], s[1], s[2]});
  return t.reshape({s[0], s[1], s[2]}).permute({1, 2, 0}).reshape({1, s[1], s[2], s[0]});
}

void write_features(const std::string& path, const Tensor& features, const OutputFormat& format,
                    const std::map<std::string, std::string>& metadata) {
  const Index h = features.dim(1), w = features.dim(2), c = features.dim(3);
  const bool planes = format.layout == Layout::chw;
  const Shape shape = planes ? Shape{c, h, w} : Shape{h, w, c};
  const ElementSource source = planes ? planes_of(features) : elements_of(features);
  if (!format.safetensors) return write_npy(path, shape, source, format.type);
  auto all = metadata;
  all["layout"] = planes ? "chw" : "hwc";
  write_safetensors(path, "features", shape, source, all, format.type);
}

}  // namespace fu
