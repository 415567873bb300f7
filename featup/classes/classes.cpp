#include "featup/classes/classes.h"

#include <algorithm>
#include <cmath>

#include "core/ops.h"

namespace fu {

namespace {

/// All vectors of one length, the mean of what they were. Vectors of zeros stay. length: receives it.
Tensor of_one_length(const Tensor& x, double& length) {
  const Index c = x.dim(-1), n = x.size() / c;
  std::vector<double> lengths(usize(n));
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    double square = 0;
    for (Index k = 0; k < c; ++k) {
      const auto v = static_cast<double>(x.data()[i * c + k]);
      square += v * v;
    }
    sum += lengths[usize(i)] = std::sqrt(square);
  }
  length = sum > 0 ? sum / static_cast<double>(n) : 1;
  Tensor y(x.shape());
  for (Index i = 0; i < n; ++i) {
    const auto factor = static_cast<real>(lengths[usize(i)] > 0 ? length / lengths[usize(i)] : 0);
    for (Index k = 0; k < c; ++k) y.data()[i * c + k] = x.data()[i * c + k] * factor;
  }
  return y;
}

}  // namespace

ScoreSource score_source(const Classes& classes, const Tensor& features) {
  require<ShapeError>(features.rank() == 4 && features.dim(3) == classes.channels(), "[classes] features ",
                      features.shape(), ": the classes (", classes.source, ") are for ", classes.channels(),
                      " channels. Give the backbone and the feature that they were made for.");
  if (classes.hidden_weight.size() > 0 && !classes.hidden_after)
    return {linear(features, classes.hidden_weight, classes.hidden_bias, Activation::relu), classes.map};
  if (!classes.cosine) return {features, classes.map};
  double length = 1;
  ScoreSource source{of_one_length(features, length), classes.map};
  source.map.matrix = unary(Unary::affine, classes.map.matrix, static_cast<real>(1 / length));
  return source;
}

ChannelMap columns_of(const ChannelMap& map, Index first, Index last) {
  const Index c = map.matrix.dim(0), k = map.matrix.dim(1);
  ChannelMap part;
  part.matrix = Tensor({c, last - first});
  for (Index i = 0; i < c; ++i)
    std::copy_n(map.matrix.data() + i * k + first, last - first, part.matrix.data() + i * (last - first));
  if (map.offset.size() > 0) part.offset = map.offset.slice(first, last).clone();
  part.offset_first = map.offset_first;
  return part;
}

}  // namespace fu
