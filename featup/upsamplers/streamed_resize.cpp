#include "featup/upsamplers/streamed_resize.h"

#include <algorithm>

#include "core/isa.h"

namespace fu {

namespace {

constexpr Index kBand = 16;  // rows of the result at a time

}  // namespace

StreamedResize::StreamedResize(Extent from, Extent to, Index channels)
    : from_(from),
      to_(to),
      channels_(channels),
      rows_(triangle_axis(from.height, to.height)),
      cols_(triangle_axis(from.width, to.width)),
      window_({window_rows(), from.width, channels}) {}

/// Rows of the map that rows `result` of the result are made of.
RowRange StreamedResize::rows_needed(RowRange result) const {
  const AxisRows map = rows_.rows();
  RowRange need{from_.height, 0};
  for (Index e = map.offset[result.begin]; e < map.offset[result.end]; ++e) {
    need.begin = std::min<Index>(need.begin, map.index[e]);
    need.end = std::max<Index>(need.end, map.index[e] + 1);
  }
  return need;
}

Index StreamedResize::window_rows() const {
  Index most = 0;
  for (Index i = 0; i < to_.height; i += kBand) {
    const RowRange need = rows_needed({i, std::min(i + kBand, to_.height)});
    most = std::max(most, need.end - need.begin + 4);  // pairs at both ends
  }
  return most;
}

/// Drops the window's rows before `need`, and makes those that are missing.
void StreamedResize::advance(RowRange need, const MakeRows& make_rows) {
  const Index row = from_.width * channels_, keep = std::min(need.begin, have_.end);
  std::copy(window_.data() + (keep - have_.begin) * row, window_.data() + (have_.end - have_.begin) * row,
            window_.data());
  have_.begin = keep;
  const Index stop = std::min(from_.height, (need.end + 1) / 2 * 2);
  if (stop <= have_.end) return;
  make_rows(have_.end, stop, window_.data() + (have_.end - have_.begin) * row);
  have_.end = stop;
}

void StreamedResize::run(const MakeRows& make_rows, real* out, const Progress& progress) {
  const AxisRows map = rows_.rows();
  const Index row = from_.width * channels_;
  Tensor narrow({kBand, from_.width, channels_});  // rows of the result, not yet resized along columns
  for (Index i = 0; i < to_.height; i += kBand) {
    const Index end = std::min(i + kBand, to_.height);
    if (progress) progress(static_cast<double>(i) / static_cast<double>(to_.height));
    advance(rows_needed({i, end}), make_rows);
    AxisMap part(have_.end - have_.begin, end - i);
    for (Index k = i; k < end; ++k) {
      for (Index e = map.offset[k]; e < map.offset[k + 1]; ++e) part.add(map.index[e] - have_.begin, map.weight[e]);
      part.end_row();
    }
    kernels().resample_axis(window_.data(), narrow.data(), 1, row, part.rows());
    kernels().resample_axis(narrow.data(), out + i * to_.width * channels_, end - i, channels_, cols_.rows());
  }
}

}  // namespace fu
