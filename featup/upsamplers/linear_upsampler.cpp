#include "featup/upsamplers/linear_upsampler.h"

#include <algorithm>

#include "core/isa.h"
#include "core/ops.h"
#include "core/parallel.h"

namespace fu {

LinearUpsampler::Source LinearUpsampler::source(const Tensor& features, const Guide&, Extent) const {
  return {features, {}, {}};
}

Tensor LinearUpsampler::mapped(const Tensor& features, const Tensor& rows, const Tensor& offset) const {
  return linear(features, rows, offset);
}

Tensor LinearUpsampler::operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map,
                                   const Progress& progress) const {
  require<ShapeError>(
      features.rank() == 4 && features.dim(0) == 1 && features.size() > 0 && size.height >= 1 && size.width >= 1,
      "[upsample] features ", features.shape(), " to ", size.height, "x", size.width,
      ": must be (1,h,w,C), and the size positive.");
  // First: a result that is too large is refused before any work.
  Tensor out({1, size.height, size.width, map ? map->matrix.dim(-1) : features.dim(3)});
  Source s = source(features, guide, size);
  if (map) {
    const Index c = s.features.dim(3);
    require<ShapeError>(map->matrix.rank() == 2 && map->matrix.dim(0) == c &&
                            (map->offset.size() == 0 || map->offset.size() == map->matrix.dim(1)),
                        "[project] features of ", c, " channels, matrix ", map->matrix.shape(), ": it must be (", c,
                        ",K).");
    const Tensor rows = map->matrix.permute({1, 0});
    s.features = mapped(s.features, rows, map->offset_first ? map->offset : Tensor());
    if (s.constant.size()) s.constant = linear(s.constant, rows, Tensor());
    if (map->offset.size() && !map->offset_first)
      s.constant = s.constant.size() ? s.constant + map->offset : map->offset;
  }
  const Index c = out.dim(3);
  enlarge(s, size, out.data(), progress);
  if (s.constant.size())  // not before: the weights of learned kernels do not sum to 1
    parallel_ranges(size.height * size.width, 256, [&](Index begin, Index end) {
      for (Index p = begin; p < end; ++p)
        kernels().binary(Binary::add, out.data() + p * c, 1, s.constant.data(), 1, out.data() + p * c, c);
    });
  return out;
}

void enlarge_by_maps(const Tensor& x, const AxisMap& rows, const AxisMap& cols, real* out, const Progress& progress) {
  const Index row = cols.n_out() * x.dim(3), band = std::max<Index>(1, kBandReals / (x.dim(2) * x.dim(3)));
  for (Index i = 0; i < rows.n_out(); i += band) {
    if (progress) progress(static_cast<double>(i) / static_cast<double>(rows.n_out()));
    resample_band(x, rows, cols, i, std::min(i + band, rows.n_out()), out + i * row);
  }
}

}  // namespace fu
