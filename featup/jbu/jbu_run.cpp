#include "featup/jbu/jbu_run.h"

#include <algorithm>
#include <cstring>

#include "core/isa.h"
#include "core/ops/resample.h"

namespace fu {

namespace {

/// Bicubic x2 of an axis with its reflected border, as four weights per position. The fused kernels multiply these into
/// their own weights, so that the enlarged map never exists.
struct FoldedAxis {
  std::vector<std::int32_t> first;
  std::vector<real> weight;

  FoldedAxis(Index n, Index radius) {
    const AxisMap map = reflect_axis(2 * n, radius).after(bicubic_axis(n, 2 * n));
    const AxisRows rows = map.rows();
    first.resize(usize(rows.n_out));
    weight.resize(usize(4 * rows.n_out));
    for (Index i = 0; i < rows.n_out; ++i) {
      std::int32_t low = rows.index[rows.offset[i]];
      for (Index e = rows.offset[i]; e < rows.offset[i + 1]; ++e) low = std::min(low, rows.index[e]);
      first[usize(i)] = low;
      for (Index e = rows.offset[i]; e < rows.offset[i + 1]; ++e)
        weight[usize(4 * i + rows.index[e] - low)] += rows.weight[e];
    }
  }
};

/// Memory of a level's rows in one band: they must stay in the cache until the next level has read them.
constexpr Index kBandBytes = Index{4} << 20;

}  // namespace

struct JbuRun::Level {
  JbuLevelArgs args;
  Tensor guidance, keys, rows, scratch, col_fold;
  FoldedAxis row_axis, col_axis;
  Index radius, reach, key_row_size;
  Index have_begin = 0, have_end = 0, key_begin = 0, key_end = 0;  // the runs of rows that `rows` and `keys` hold

  Level(const JbuLevel& level, Index source_h, Index source_w, const Tensor& full_guidance)
      : guidance(full_guidance.dim(1) == 2 * source_h && full_guidance.dim(2) == 2 * source_w
                     ? full_guidance
                     : adaptive_avg_pool(full_guidance, 2 * source_h, 2 * source_w)),
        row_axis(source_h, level.radius()),
        col_axis(source_w, level.radius()),
        radius(level.radius()),
        reach(jbu_source_radius(level.radius())) {
    args.weights = level.weights();
    args.height = 2 * source_h, args.width = 2 * source_w;
    args.guidance = guidance.data();
    args.row_first = row_axis.first.data(), args.row_weight = row_axis.weight.data();
    args.col_first = col_axis.first.data(), args.col_weight = col_axis.weight.data();
    key_row_size = kernels().jbu_key_row(args);
    scratch = Tensor({kernels().jbu_scratch(args) + 1});
    args.scratch = scratch.data();
    col_fold = Tensor({kernels().jbu_col_fold_size(args) + 1});
    args.col_fold = col_fold.data();
    kernels().jbu_col_fold(args);
  }
};

namespace {

/// Moves rows [keep, end) of a window of rows to its front.
void slide(Tensor& window, Index row_size, Index& begin, Index end, Index keep) {
  if (keep <= begin) return;
  if (keep < end)
    std::memmove(window.data(), window.data() + (keep - begin) * row_size,
                 usize((end - keep) * row_size) * sizeof(real));
  begin = keep;
}

/// The map after the levels that come before the smoothing, smoothed along the photo.
Tensor smoothed_map(JbuStack stack, const Tensor& source, const Tensor& guidance, bool any_guidance) {
  const PhotoSmoothing smoothing = stack.smoothing;
  stack.smoothing = {};
  Tensor map = JbuRun(stack, source, guidance, kSmoothedLevel, any_guidance).all();
  photo_smoother(smoothing, adaptive_avg_pool(guidance, map.dim(1), map.dim(2))).apply(map);
  return map;
}

}  // namespace

JbuRun::JbuRun(const JbuStack& stack, const Tensor& source, const Tensor& guidance, int count, bool any_guidance)
    : source_(source) {
  require<ShapeError>(source.rank() == 4 && source.dim(0) == 1 && source.dim(1) >= 1 && source.dim(2) >= 1 &&
                          source.dim(3) >= 1 && count >= 1 && count <= 12 && guidance.rank() == 4 &&
                          guidance.dim(0) == 1 && guidance.dim(3) == stack.levels.at(0).guidance_dim(),
                      "[jbu_stack] source ", source.shape(), ", guidance ", guidance.shape(),
                      ": must be (1,h,w,C) and (1,H,W,", stack.levels.at(0).guidance_dim(), ").");
  const Index h = source.dim(1), w = source.dim(2), factor = Index{1} << count;
  require<ShapeError>(any_guidance || (guidance.dim(1) >= h * factor && guidance.dim(2) >= w * factor),
                      "[jbu_stack] guidance ", guidance.shape(), " is smaller than source ", source.shape(), " x",
                      factor, " = (", h * factor, ",", w * factor,
                      "). Give an image of at least that size, or ask for a smaller result.");
  channels_ = source.dim(3), height_ = h * factor, width_ = w * factor;
  int first = 0;
  if (stack.smoothing.present() && count >= kSmoothedLevel) {
    source_ = smoothed_map(stack, source, guidance, any_guidance);
    first = kSmoothedLevel;
  }
  band_ = height_;
  if (first == count) return;
  levels_.reserve(usize(count - first));
  for (int i = first; i < count; ++i)
    levels_.emplace_back(stack.levels[std::min(usize(i), stack.levels.size() - 1)], h << i, w << i, guidance);

  // The band: as many rows of the result as keep the source rows and the keys they need within bounds.
  const Level& last = levels_.back();
  const Index row_bytes =
      static_cast<Index>(sizeof(real)) * std::max(last.args.width / 2 * channels_ / 2, last.key_row_size);
  band_ = std::clamp<Index>(kBandBytes / row_bytes / 2 * 2, 16, std::max<Index>(16, last.args.height));
  Index rows = band_;
  for (std::size_t i = levels_.size(); i-- > 0;) {
    Level& l = levels_[i];
    const Index key_rows = std::min(l.args.height, rows + 2 * l.radius + 2);
    l.keys = Tensor({key_rows * l.key_row_size});
    l.args.keys = l.keys.data();
    if (i + 1 < levels_.size()) l.rows = Tensor({std::min(rows, l.args.height), l.args.width, channels_});
    rows = rows / 2 + 2 * l.reach + 2;
  }
}

JbuRun::~JbuRun() = default;
Index JbuRun::height() const { return height_; }
Index JbuRun::width() const { return width_; }
Index JbuRun::band() const { return band_; }

/// Makes rows up to `end` of a level available, dropping those before `keep`. The last level writes its new rows to
/// `out`.
void JbuRun::produce(std::size_t index, Index keep, Index end, real* out) {
  Level& l = levels_[index];
  if (!out) {
    end = std::min(l.args.height, (end + 1) / 2 * 2);
    slide(l.rows, l.args.width * channels_, l.have_begin, l.have_end, keep / 2 * 2);
    if (end <= l.have_end) return;
  }
  const Index begin = l.have_end;
  const Index source_begin = std::max<Index>(0, begin / 2 - l.reach),
              source_end = std::min(l.args.height / 2, end / 2 + l.reach);
  if (index == 0) {
    l.args.source = source_.data();
    l.args.source_row0 = 0;
  } else {
    produce(index - 1, source_begin, source_end, nullptr);
    const Level& below = levels_[index - 1];
    l.args.source = below.rows.data();
    l.args.source_row0 = below.have_begin;
  }

  // Keys of the rows around, those of the last call kept.
  const Index key_begin = std::max<Index>(0, begin - l.radius), key_end = std::min(l.args.height, end + l.radius);
  slide(l.keys, l.key_row_size, l.key_begin, l.key_end, key_begin);
  l.args.key_row0 = l.key_begin;
  if (key_end > l.key_end) kernels().jbu_keys(l.args, l.key_end, key_end);
  l.key_end = std::max(l.key_end, key_end);

  l.args.out = out ? out : l.rows.data();
  l.args.out_row0 = out ? begin : l.have_begin;
  l.args.channels = channels_;
  kernels().jbu_rows(l.args, begin, end);
  l.have_end = end;
}

void JbuRun::rows(Index begin, Index end, real* out) {
  require<ShapeError>(begin == made_ && end >= begin && end <= height_ && end % 2 == 0, "[jbu_stack] rows [", begin,
                      ",", end, ") after ", made_, " of ", height_, ": rows are made from top to bottom, in pairs.");
  const Index row_size = width_ * channels_;
  if (levels_.empty()) std::copy(source_.data() + begin * row_size, source_.data() + end * row_size, out);
  for (Index row = begin; row < end && !levels_.empty(); row += band_)
    produce(levels_.size() - 1, row, std::min(row + band_, end), out + (row - begin) * row_size);
  made_ = end;
}

Tensor JbuRun::all() {
  if (levels_.empty()) return source_;
  Tensor out({1, height(), width(), channels_});
  rows(0, height(), out.data());
  return out;
}

}  // namespace fu
