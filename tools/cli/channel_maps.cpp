#include "tools/cli/channel_maps.h"

#include "core/files/weights.h"
#include "core/ops.h"
#include "featup/upsamplers/components_map.h"

namespace fu {

Tensor read_projection(const std::string& path) {
  if (path.empty()) return {};
  const Weights file(path);
  const Tensor t = file.read_single();
  require<FileError>(t.size() > 0, path, ": is ", t.shape(), "; a projection is (channels, at least 1).");
  return file.read(file.entries().begin()->first, t.shape());  // which refuses numbers that are not finite
}

ChannelMap channel_map(const ProjectionArgs& o, const Tensor& projection, const Tensor& features,
                       const std::string& owner) {
  ChannelMap map;
  const Index c = features.dim(3);
  if (projection.size() > 0) {
    require<UsageError>(projection.rank() == 2 && projection.dim(0) == c, o.project, ": is ", projection.shape(),
                        ", but ", owner, " ", c, " channels: a projection is (", c, ",K).");
    map.matrix = projection;
  }
  if (o.pca > 0) {
    const Tensor rows = features.reshape({-1, c}), y = map.matrix.size() ? matmul(rows, map.matrix) : rows;
    require<UsageError>(o.pca <= y.dim(1), "--pca ", o.pca, ": ", owner, " ", y.dim(1),
                        " channels; keep at most that many.");
    const ChannelMap components = map_to(fit_pca(y, o.pca));
    map.offset = components.offset;
    map.matrix = map.matrix.size() ? matmul(map.matrix, components.matrix) : components.matrix;
  }
  return map;
}

Tensor apply_map(const Tensor& x, const ChannelMap& map) {
  if (map.matrix.size() == 0) return x;
  const Tensor y = linear(x, map.matrix.permute({1, 0}), Tensor());
  return map.offset.size() ? y + map.offset : y;
}

}  // namespace fu
