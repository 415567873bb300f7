#include "featup/jbu/jbu.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/isa.h"
#include "core/ops/resample.h"

namespace fu {

namespace {

constexpr Index kMaxRadius = 5, kMaxKeyDim = 64, kMaxGuidance = 8;  // what the kernels' fixed arrays hold
constexpr int kMaxLevels = 12;

/// A 1x1 convolution's weight, (out,in) or (out,in,1,1), turned into (in,out).
Tensor transposed(const Weights& w, const std::string& name, Index out, Index in) {
  const Shape& s = w.shape(name);
  const bool fits = s.rank() >= 2 && s[0] == out && s[1] == in && s.elements() == out * in;
  require<FileError>(fits, w.path(), ": tensor '", name, "' has shape ", s, ", expected (", out, ",", in, ",1,1).");
  return w.read(name, s).reshape({out, in}).permute({1, 0});
}

}  // namespace

JbuLevel::JbuLevel(const Weights& w, const std::string& prefix) {
  const Shape key0 = w.shape(prefix + "range_proj.0.weight"), fix0 = w.shape(prefix + "fixup_proj.0.weight");
  const Index taps = fix0.rank() >= 2 ? fix0[0] : 0;
  key_dim_ = key0.rank() >= 2 ? key0[0] : 0;
  guidance_dim_ = key0.rank() >= 2 ? key0[1] : 0;
  const auto d = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(taps))));
  radius_ = d / 2;
  require<FileError>(d * d == taps && d % 2 == 1 && radius_ >= 1 && radius_ <= kMaxRadius, w.path(), ": '", prefix,
                     "fixup_proj.0.weight' has shape ", fix0,
                     ": its first size must be the square of 3, 5, 7, 9 or 11 (radius 1 to ", kMaxRadius, ").");
  require<FileError>(key_dim_ >= 1 && key_dim_ <= kMaxKeyDim && guidance_dim_ >= 1 && guidance_dim_ <= kMaxGuidance,
                     w.path(), ": '", prefix, "range_proj.0.weight' has shape ", key0,
                     ", expected (keys,guidance,1,1) with at most ", kMaxKeyDim, " keys and ", kMaxGuidance,
                     " guidance channels.");
  const auto scalar = [&](const std::string& name) {
    require<FileError>(w.shape(name).elements() == 1, w.path(), ": tensor '", name, "' has shape ", w.shape(name),
                       ", expected one number.");
    return static_cast<double>(w.read(name, w.shape(name)).data()[0]);
  };
  temperature_ = static_cast<real>(std::clamp(std::exp(scalar(prefix + "range_temp")), 1e-4, 1e4));
  const double sigma = scalar(prefix + "sigma_spatial");
  require<FileError>(sigma != 0, w.path(), ": '", prefix, "sigma_spatial' is 0; a width must not be.");
  spatial_ = Tensor({taps});
  for (Index t = 0; t < taps; ++t) {
    // Positions of the neighbourhood on [-1,1].
    const double y = static_cast<double>(t / d - radius_) / static_cast<double>(radius_),
                 x = static_cast<double>(t % d - radius_) / static_cast<double>(radius_);
    spatial_.data()[t] = static_cast<real>(std::exp(-(x * x + y * y) / (2 * sigma * sigma)));
  }
  key0_ = transposed(w, prefix + "range_proj.0.weight", key_dim_, guidance_dim_);
  key0_bias_ = w.read(prefix + "range_proj.0.bias", {key_dim_});
  const Tensor key3 = transposed(w, prefix + "range_proj.3.weight", key_dim_, key_dim_),
               bias = w.read(prefix + "range_proj.3.bias", {key_dim_});
  key3_ = Tensor({key_dim_, key_dim_ + 1});
  for (Index i = 0; i < key_dim_; ++i) {
    double total = 0;
    for (Index o = 0; o < key_dim_; ++o) {
      key3_.data()[i * (key_dim_ + 1) + o] = key3.data()[i * key_dim_ + o];
      total += double(key3.data()[i * key_dim_ + o]) * double(bias.data()[o]);
    }
    key3_.data()[i * (key_dim_ + 1) + key_dim_] = static_cast<real>(total);
  }
  fix0_ = transposed(w, prefix + "fixup_proj.0.weight", taps, taps + guidance_dim_);
  fix0_bias_ = w.read(prefix + "fixup_proj.0.bias", {taps});
  fix3_ = unary(Unary::affine, transposed(w, prefix + "fixup_proj.3.weight", taps, taps), real(0.1));
  fix3_bias_ = unary(Unary::affine, w.read(prefix + "fixup_proj.3.bias", {taps}), real(0.1));
}

JbuWeights JbuLevel::weights() const {
  JbuWeights w;
  w.radius = radius_, w.key_dim = key_dim_, w.guidance_dim = guidance_dim_, w.temperature = temperature_;
  w.spatial = spatial_.data();
  w.key0 = key0_.data(), w.key0_bias = key0_bias_.data(), w.key3 = key3_.data();
  w.fix0 = fix0_.data(), w.fix0_bias = fix0_bias_.data(), w.fix3 = fix3_.data(), w.fix3_bias = fix3_bias_.data();
  return w;
}

Tensor jbu_kernels(const JbuLevel& level, const Tensor& guidance) {
  require<ShapeError>(guidance.rank() == 4 && guidance.dim(3) == level.guidance_dim() &&
                          guidance.dim(1) > level.radius() && guidance.dim(2) > level.radius(),
                      "[jbu_kernels] guidance ", guidance.shape(), " must be (B,H,W,", level.guidance_dim(),
                      ") with H and W above the radius ", level.radius(), ".");
  const Index h = guidance.dim(1), w = guidance.dim(2), taps = level.diameter() * level.diameter();
  Tensor out({guidance.dim(0), h, w, taps});
  JbuLevelArgs args;
  args.weights = level.weights();
  args.height = h, args.width = w;
  Tensor keys({h * kernels().jbu_key_row(args)}), scratch({kernels().jbu_scratch(args) + 1});
  args.keys = keys.data();
  args.scratch = scratch.data();
  for (Index b = 0; b < guidance.dim(0); ++b) {
    args.guidance = guidance.data() + b * h * w * level.guidance_dim();
    args.kernels = out.data() + b * h * w * taps;
    kernels().jbu_keys(args, 0, h);
    kernels().jbu_kernel_rows(args, 0, h);
  }
  return out;
}

Tensor jbu_learned_range(const JbuLevel& level, const Tensor& source, const Tensor& guidance) {
  require<ShapeError>(source.rank() == 4 && guidance.rank() == 4 && source.dim(0) == guidance.dim(0),
                      "[jbu_learned_range] source ", source.shape(), ", guidance ", guidance.shape(),
                      ": must be (B,h,w,C) and (B,H,W,g).");
  return adaptive_conv(resize_bicubic(source, guidance.dim(1), guidance.dim(2)), jbu_kernels(level, guidance));
}

bool JbuStack::present(const Weights& w) { return w.has("upsampler.up1.range_temp") || w.has("up1.range_temp"); }

JbuStack::JbuStack(const Weights& w) {
  require<FileError>(present(w), w.path(),
                     ": holds no JBU stack: no tensor 'upsampler.up1.range_temp'. Give a FeatUp checkpoint.");
  const std::string prefix = w.has("up1.range_temp") ? "" : "upsampler.";
  for (int i = 1; w.has(prefix + "up" + std::to_string(i) + ".range_temp"); ++i) {
    require<FileError>(i <= kMaxLevels, w.path(), ": has more than ", kMaxLevels,
                       " levels; each doubles the resolution.");
    levels.emplace_back(w, prefix + "up" + std::to_string(i) + ".");
    require<FileError>(levels.back().guidance_dim() == levels.front().guidance_dim(), w.path(), ": level ", i,
                       " wants ", levels.back().guidance_dim(), " guidance channels, level 1 ",
                       levels.front().guidance_dim(), ".");
  }
  if (w.has(prefix + "token_filter")) {
    const Tensor numbers = w.read(prefix + "token_filter", {3});
    filter = {numbers.data()[0], numbers.data()[1], numbers.data()[2]};
  } else if (w.has(prefix +
                   "back_projection")) {  // as `train` wrote it before there was a filter: the same share everywhere
    const Shape& s = w.shape(prefix + "back_projection");
    require<FileError>(s.elements() == 1, w.path(), ": 'back_projection' has shape ", s, ", expected one number.");
    filter.strength = w.read(prefix + "back_projection", s).data()[0], filter.noise = 0;
  }
  require<FileError>(
      filter.usable() && (!filter.present() || levels.front().guidance_dim() == 3), w.path(), ": '", prefix,
      "token_filter' must be three numbers, from 0 to 1e6, the third below 1, of a stack guided by photos.");
  if (w.has(prefix + "smoothing")) {
    const Tensor numbers = w.read(prefix + "smoothing", {2});
    smoothing = {numbers.data()[0], numbers.data()[1]};
    require<FileError>(
        smoothing.usable() && levels.front().guidance_dim() == 3, w.path(), ": '", prefix,
        "smoothing' must be two numbers up to 1e4, the second at least 1e-3, of a stack guided by photos.");
  }
  if (w.has(prefix + "fixup_proj.1.weight")) {
    mix_bias = w.read(prefix + "fixup_proj.1.bias", w.shape(prefix + "fixup_proj.1.bias"));
    const Index c = mix_bias.size();
    mix_weight = transposed(w, prefix + "fixup_proj.1.weight", c, c).permute({1, 0});
  }
  if (w.has("model.1.norm.weight")) {
    norm_weight = w.read("model.1.norm.weight", w.shape("model.1.norm.weight"));
    norm_bias = w.read("model.1.norm.bias", norm_weight.shape());
  }
}

namespace {

/// Bicubic x2 of an axis with its reflected border, as four weights per position: what the fused kernels fold into
/// theirs.
struct FoldedAxis {
  std::vector<std::int32_t> first;
  std::vector<real> weight;

  FoldedAxis(Index n, Index radius) {
    const AxisMap map = reflect_axis(2 * n, radius).after(bicubic_axis(n, 2 * n));
    const AxisRows rows = map.rows();
    first.resize(static_cast<std::size_t>(rows.n_out));
    weight.resize(static_cast<std::size_t>(4 * rows.n_out));
    for (Index i = 0; i < rows.n_out; ++i) {
      std::int32_t low = rows.index[rows.offset[i]];
      for (Index e = rows.offset[i]; e < rows.offset[i + 1]; ++e) low = std::min(low, rows.index[e]);
      first[static_cast<std::size_t>(i)] = low;
      for (Index e = rows.offset[i]; e < rows.offset[i + 1]; ++e)
        weight[static_cast<std::size_t>(4 * i + rows.index[e] - low)] += rows.weight[e];
    }
  }
};

constexpr Index kBandBytes =
    Index{4} << 20;  // of a level's rows at hand: they stay in the cache until the next level has read them

}  // namespace

struct JbuRun::Level {
  JbuLevelArgs args;
  Tensor guidance, keys, rows, scratch, col_fold;
  FoldedAxis row_axis, col_axis;
  Index radius, reach, key_row_size;
  Index have_begin = 0, have_end = 0, key_begin = 0, key_end = 0;  // rows now in `rows` and `keys`

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
                 static_cast<std::size_t>((end - keep) * row_size) * sizeof(real));
  begin = keep;
}

/// What the levels before the smoothing make of a source, smoothed.
Tensor smoothed(JbuStack stack, const Tensor& source, const Tensor& guidance, bool any_guidance) {
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
                      "). Give an image of at least that size, or --out-size.");
  channels_ = source.dim(3), height_ = h * factor, width_ = w * factor;
  int first = 0;
  if (stack.smoothing.present() && count >= kSmoothedLevel) {
    source_ = smoothed(stack, source, guidance, any_guidance);
    first = kSmoothedLevel;
  }
  band_ = height_;
  if (first == count) return;
  levels_.reserve(static_cast<std::size_t>(count - first));
  for (int i = first; i < count; ++i)
    levels_.emplace_back(stack.levels[std::min(static_cast<std::size_t>(i), stack.levels.size() - 1)], h << i, w << i,
                         guidance);

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

Tensor JbuStack::mix(const Tensor& x) const {
  return channels() ? x + unary(Unary::affine, linear(x, mix_weight, Tensor()), real(0.1)) : x;
}

Tensor jbu_source(const JbuStack& stack, const Tensor& features, const Tensor& photo) {
  if (!stack.filter.present()) return features;
  return filter_tokens(stack.filter, features, [&](const Tensor& x) {
    return adaptive_avg_pool(JbuRun(stack, x, photo, 1, true).all(), x.dim(1), x.dim(2));
  });
}

Tensor jbu_stack(const JbuStack& stack, const Tensor& source, const Tensor& guidance) {
  require<ShapeError>(source.rank() == 4 && guidance.rank() == 4 && source.dim(0) == guidance.dim(0),
                      "[jbu_stack] source ", source.shape(), ", guidance ", guidance.shape(),
                      ": must be (B,h,w,C) and (B,H,W,g) with equal B.");
  const Index c = source.dim(3);
  require<ShapeError>(stack.channels() == 0 || stack.channels() == c, "[jbu_stack] source ", source.shape(),
                      " for a mixing of ", stack.channels(),
                      " channels. Use features of that many channels, or the levels alone.");
  const Index factor = Index{1} << stack.levels.size();
  Tensor out({source.dim(0), source.dim(1) * factor, source.dim(2) * factor, c});
  for (Index b = 0; b < source.dim(0); ++b) {
    const Tensor guide = guidance.slice(b, b + 1);
    JbuRun run(stack, stack.mix(jbu_source(stack, source.slice(b, b + 1), guide)), guide,
               static_cast<int>(stack.levels.size()));
    run.rows(0, run.height(), out.data() + b * out.size() / out.dim(0));
  }
  return stack.channels() ? out + unary(Unary::affine, stack.mix_bias, real(0.1)) : out;
}

}  // namespace fu
