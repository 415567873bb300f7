#include "featup/measure/views.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

namespace {

/// One axis of view_back_maps: n pixels of the image, `cells` of the view, n_out output positions. begin: where the
/// jitter's crop begins.
AxisMap back_axis(Index n, Index cells, Index n_out, const Jitter& j, Index begin, bool flip) {
  AxisMap map(cells, n_out);
  for (Index i = 0; i < n_out; ++i) {
    // The output position as a pixel of the image, then as a pixel of the view, then as a cell of its features.
    const double pixel = (static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(n_out) - 0.5;
    double at =
        (pixel + static_cast<double>(j.max_pad) + 0.5) * std::max(1.0, j.zoom) - 0.5 - static_cast<double>(begin);
    if (flip) at = static_cast<double>(n - 1) - at;
    if (at >= -0.5 && at <= static_cast<double>(n) - 0.5) {
      const double cell = (at + 0.5) * static_cast<double>(cells) / static_cast<double>(n) - 0.5,
                   low = std::floor(cell);
      map.add(static_cast<Index>(low), static_cast<real>(1 - (cell - low)));
      map.add(static_cast<Index>(low) + 1, static_cast<real>(cell - low));
    }
    map.end_row();
  }
  return map;
}

/// Whether a map has anything at position i.
bool covers(const AxisMap& map, Index i) { return map.rows().offset[i + 1] > map.rows().offset[i]; }

}  // namespace

ImageMaps view_back_maps(const Jitter& j, Index image_h, Index image_w, Index h, Index w, Index out_h, Index out_w) {
  return {back_axis(image_h, h, out_h, j, j.top, false), back_axis(image_w, w, out_w, j, j.left, j.flip)};
}

Tensor predict_view(const Tensor& map, const Jitter& jitter, Index image_h, Index image_w, Index h, Index w) {
  const ImageMaps look = jitter_maps(jitter, image_h, image_w);
  AxisMap rows = average_axis(image_h, h).after(look.rows), cols = average_axis(image_w, w).after(look.cols);
  if (map.dim(1) != image_h) rows = rows.after(bilinear_axis(map.dim(1), image_h));
  if (map.dim(2) != image_w) cols = cols.after(bilinear_axis(map.dim(2), image_w));
  return resample(map, rows, cols);
}

ViewSum::ViewSum(Index height, Index width, Index channels)
    : sum_(Tensor::zeros({1, height, width, channels})), count_(Tensor::zeros({height, width})) {}

void ViewSum::add(const Tensor& view, const Jitter& jitter, Index image_h, Index image_w) {
  require<ShapeError>(view.rank() == 4 && view.dim(0) == 1 && view.dim(3) == sum_.dim(3), "[views] view ", view.shape(),
                      " for a sum of ", sum_.shape(), ".");
  const Index height = sum_.dim(1), width = sum_.dim(2), c = sum_.dim(3), row = width * c;
  const ImageMaps maps = view_back_maps(jitter, image_h, image_w, view.dim(1), view.dim(2), height, width);
  // A band of rows at a time, about 1 MB: the enlarged view is never stored whole.
  const Index band = std::max<Index>(1, (Index{1} << 18) / row);
  Tensor part({std::min(band, height), width, c});
  for (Index begin = 0; begin < height; begin += band) {
    const Index end = std::min(begin + band, height);
    resample_band(view, maps.rows, maps.cols, begin, end, part.data());
    real* out = sum_.data() + begin * row;
    parallel_ranges((end - begin) * row, Index{1} << 14, [&](Index b, Index e) {
      kernels().binary(Binary::add, out + b, 1, part.data() + b, 1, out + b, e - b);
    });
    for (Index i = begin; i < end; ++i)
      for (Index q = 0; covers(maps.rows, i) && q < width; ++q) count_.data()[i * width + q] += covers(maps.cols, q);
  }
}

Tensor ViewSum::mean() && {
  const Index c = sum_.dim(3);
  parallel_ranges(count_.size(), 64, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      const real scale = 1 / std::max(real(1), count_.data()[p]);
      for (Index t = p * c; t < (p + 1) * c; ++t) sum_.data()[t] *= scale;
    }
  });
  return std::move(sum_);
}

HeldOutViews::HeldOutViews(const Tensor& image, const FeatureFunction& features, Index count, std::uint64_t seed)
    : image_h_(image.dim(1)), image_w_(image.dim(2)) {
  Random random(seed, 0x7669657773);  // a stream of its own: no fit draws these
  for (Index i = 0; i < count; ++i) {
    jitters_.push_back(
        draw_jitter(random, image_h_, image_w_, std::min<Index>(20, std::min(image_h_, image_w_) - 1), 2));
    views_.push_back(features(apply_jitter(image, jitters_.back())));
  }
}

ExplainedVariance HeldOutViews::explained_by(const Tensor& map, const FeatureFunction& prepare) const {
  ExplainedVariance result;
  std::vector<Tensor> targets;
  for (const Tensor& view : views_) targets.push_back(prepare ? prepare(view) : view);
  const Index h = targets.at(0).dim(1), w = targets[0].dim(2), c = targets[0].dim(3);
  require<ShapeError>(map.rank() == 4 && map.dim(0) == 1 && map.dim(3) == c, "[explained variance] map ", map.shape(),
                      " for views ", targets[0].shape(), ": must be (1,H,W,", c, ").");
  std::vector<double> mean(usize(c));
  const double cells = static_cast<double>(h * w) * static_cast<double>(targets.size());
  for (const Tensor& target : targets)
    for (Index i = 0; i < target.size(); ++i) mean[usize(i % c)] += static_cast<double>(target.data()[i]) / cells;
  for (std::size_t v = 0; v < targets.size(); ++v) {
    const Tensor prediction = predict_view(map, jitters_[v], image_h_, image_w_, h, w);
    for (Index i = 0; i < prediction.size(); ++i) {
      const auto target = static_cast<double>(targets[v].data()[i]);
      const double deviation = target - mean[usize(i % c)];
      const double residual = static_cast<double>(prediction.data()[i]) - target;
      result.error += residual * residual;
      result.variance += deviation * deviation;
    }
  }
  return result;
}

}  // namespace fu
