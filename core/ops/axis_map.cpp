#include "core/ops/axis_map.h"

#include <algorithm>
#include <cmath>

namespace fu {

AxisMap::AxisMap(Index n_in, Index n_out_hint) : n_in_(n_in), offset_{0} {
  require<ShapeError>(n_in >= 1 && n_in < (Index{1} << 31), "[resample] an axis of ", n_in,
                      " positions: it must have at least 1, and fewer than 2^31.");
  offset_.reserve(usize(n_out_hint + 1));
}

void AxisMap::add(Index index, real weight) {
  const auto clamped = static_cast<std::int32_t>(std::clamp<Index>(index, 0, n_in_ - 1));
  for (auto e = usize(offset_.back()); e < index_.size(); ++e)
    if (index_[e] == clamped) {
      weight_[e] += weight;
      return;
    }
  index_.push_back(clamped);
  weight_.push_back(weight);
}

void AxisMap::end_row() { offset_.push_back(static_cast<Index>(index_.size())); }

AxisMap AxisMap::after(const AxisMap& first) const {
  require<ShapeError>(n_in_ == first.n_out(), "[resample] a map of ", n_in_, " positions after one that gives ",
                      first.n_out(), ".");
  AxisMap result(first.n_in_, n_out());
  for (Index i = 0; i < n_out(); ++i) {
    for (Index e = rows().offset[i]; e < rows().offset[i + 1]; ++e) {
      const Index j = rows().index[e];
      for (Index f = first.rows().offset[j]; f < first.rows().offset[j + 1]; ++f)
        result.add(first.rows().index[f], rows().weight[e] * first.rows().weight[f]);
    }
    result.end_row();
  }
  return result;
}

AxisMap AxisMap::transposed() const {
  // A counting sort: how many entries each row of the transpose has, then each entry to its place, in the order of the
  // outputs.
  AxisMap result(n_out(), n_in_);
  result.offset_.assign(usize(n_in_ + 1), 0);
  for (std::int32_t i : index_) ++result.offset_[usize(i) + 1];
  for (std::size_t i = 1; i < result.offset_.size(); ++i) result.offset_[i] += result.offset_[i - 1];
  result.index_.resize(index_.size());
  result.weight_.resize(index_.size());
  PoolVector<Index> next(result.offset_);
  for (Index i = 0; i < n_out(); ++i)
    for (Index e = rows().offset[i]; e < rows().offset[i + 1]; ++e) {
      const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(rows().index[e])]++);
      result.index_[at] = static_cast<std::int32_t>(i);
      result.weight_[at] = rows().weight[e];
    }
  return result;
}

namespace {

double step_or(double step, Index n_in, Index n_out) {
  return step > 0 ? step : static_cast<double>(n_in) / static_cast<double>(n_out);
}

}  // namespace

AxisMap nearest_axis(Index n_in, Index n_out) {
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    map.add((2 * i + 1) * n_in / (2 * n_out), 1);
    map.end_row();
  }
  return map;
}

AxisMap bilinear_axis(Index n_in, Index n_out, double step) {
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    const double at = std::max(0.0, (static_cast<double>(i) + 0.5) * step_or(step, n_in, n_out) - 0.5);
    const auto base = static_cast<Index>(at);
    const auto t = static_cast<real>(at - static_cast<double>(base));
    map.add(base, 1 - t);
    map.add(base + 1, t);
    map.end_row();
  }
  return map;
}

AxisMap bicubic_axis(Index n_in, Index n_out, double step) {
  constexpr double kA = -0.75;
  const auto near = [](double d) { return ((kA + 2) * d - (kA + 3)) * d * d + 1; };         // |d| <= 1
  const auto far = [](double d) { return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA; };  // 1 < |d| < 2
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    const double at = (static_cast<double>(i) + 0.5) * step_or(step, n_in, n_out) - 0.5;
    const double base = std::floor(at), t = at - base;
    const double weight[4] = {far(1 + t), near(t), near(1 - t), far(2 - t)};
    for (int k = 0; k < 4; ++k) map.add(static_cast<Index>(base) + k - 1, static_cast<real>(weight[k]));
    map.end_row();
  }
  return map;
}

AxisMap zoom_axis(Index n_in, double zoom) {
  return bilinear_axis(n_in, static_cast<Index>(std::floor(static_cast<double>(n_in) * zoom)), 1 / zoom);
}

AxisMap average_axis(Index n_in, Index n_out) {
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    const Index begin = i * n_in / n_out, end = ((i + 1) * n_in + n_out - 1) / n_out;
    for (Index j = begin; j < end; ++j) map.add(j, 1 / static_cast<real>(end - begin));
    map.end_row();
  }
  return map;
}

namespace {

/// Weights of output i under a filter of half width `radius`, stretched where the axis shrinks; they sum to 1. filter:
/// distance, in units of the stretch -> weight.
template <class Filter>
std::vector<double> filter_weights(Index n_in, Index n_out, Index i, double radius, const Filter& filter,
                                   Index& begin) {
  const double scale = static_cast<double>(n_in) / static_cast<double>(n_out), stretch = std::max(1.0, scale);
  const double center = (static_cast<double>(i) + 0.5) * scale, reach = radius * stretch;
  begin = std::max<Index>(0, static_cast<Index>(center - reach + 0.5));
  const Index end = std::min(n_in, static_cast<Index>(center + reach + 0.5));
  std::vector<double> weights;
  double total = 0;
  for (Index j = begin; j < end; ++j) {
    weights.push_back(filter(std::abs((static_cast<double>(j) + 0.5 - center) / stretch)));
    total += weights.back();
  }
  for (double& w : weights) w /= total;
  return weights;
}

}  // namespace

AxisMap antialiased_bicubic_axis(Index n_in, Index n_out) {
  const auto cubic = [](double d) {
    return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
  };
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    Index begin = 0;
    const std::vector<double> weights = filter_weights(n_in, n_out, i, 2, cubic, begin);
    for (std::size_t j = 0; j < weights.size(); ++j)
      map.add(begin + static_cast<Index>(j), static_cast<real>(weights[j]));
    map.end_row();
  }
  return map;
}

std::vector<double> triangle_weights(Index n_in, Index n_out, Index i, Index& begin) {
  return filter_weights(
      n_in, n_out, i, 1, [](double d) { return std::max(0.0, 1 - d); }, begin);
}

AxisMap triangle_axis(Index n_in, Index n_out) {
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    Index j = 0;
    for (double w : triangle_weights(n_in, n_out, i, j)) map.add(j++, static_cast<real>(w));
    map.end_row();
  }
  return map;
}

AxisMap reflect_axis(Index n, Index pad) {
  AxisMap map(n, n + 2 * pad);
  for (Index i = -pad; i < n + pad; ++i) {
    map.add(reflect(i, n), 1);
    map.end_row();
  }
  return map;
}

AxisMap gaussian_axis(Index n, Index size, double sigma) {
  const Index r = size / 2;
  double total = 0;
  const auto weight = [&](Index t) { return std::exp(-static_cast<double>(t * t) / (2 * sigma * sigma)); };
  for (Index t = -r; t <= r; ++t) total += weight(t);
  AxisMap map(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index t = -r; t <= r; ++t) map.add(reflect(i + t, n), static_cast<real>(weight(t) / total));
    map.end_row();
  }
  return map;
}

AxisMap crop_axis(Index n_in, Index begin, Index n_out) {
  require<ShapeError>(begin >= 0 && n_out >= 0 && begin + n_out <= n_in, "[crop] positions [", begin, ",",
                      begin + n_out, ") of an axis of ", n_in, ".");
  AxisMap map(n_in, n_out);
  for (Index i = 0; i < n_out; ++i) {
    map.add(begin + i, 1);
    map.end_row();
  }
  return map;
}

AxisMap flip_axis(Index n) {
  AxisMap map(n, n);
  for (Index i = 0; i < n; ++i) {
    map.add(n - 1 - i, 1);
    map.end_row();
  }
  return map;
}

}  // namespace fu
