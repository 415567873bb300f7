#include "featup/published/implicit.h"

#include <algorithm>

namespace fu {

Var min_max_scale(const Var& x) {
  require<ShapeError>(x.rank() == 4 && x.size() > 0, "[min_max_scale] x ", x.shape(), " must be (B,H,W,C), not empty.");
  const Var low = smallest(x);
  return affine((x - low) / clamp_min(largest(x) - low, real(1e-4)), 1, real(-0.5));
}

namespace {

std::vector<real> frequencies_of(const ImplicitOptions& o) {
  return log_spaced_frequencies(-2, static_cast<real>(o.highest), o.frequencies);
}

}  // namespace

PlaceAndColorFeatures::PlaceAndColorFeatures(const ImplicitOptions& o, Random* random)
    : color_(o.color), features_(o.color ? 5 : 2, frequencies_of(o), true) {
  if (random) features_.biases.set(random->normal(features_.biases.value.shape()));
  add("biases", features_.biases);
}

Var PlaceAndColorFeatures::operator()(const Var& image) const {
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3, "[fourier_features] image ", image.shape(),
                      " must be (B,H,W,3).");
  const Index b = image.dim(0), h = image.dim(1), w = image.dim(2);
  const std::vector<real> rows = linspace(-1, 1, h), cols = linspace(-1, 1, w);
  Tensor place({b, h, w, 2});
  for (Index p = 0; p < b * h * w; ++p) {
    place.data()[2 * p] = rows[usize(p / w % h)];
    place.data()[2 * p + 1] = cols[usize(p % w)];
  }
  if (!color_) return features_(Var(place));
  return concat({features_(concat({place, image}, -1)), image}, -1);
}

ImplicitNetwork::ImplicitNetwork(const ImplicitOptions& o, Index channels, Random* random)
    : color_(o.color),
      frequencies_(frequencies_of(o)),
      features_(o, random),
      norm_in_(features_.out()),
      first_(features_.out(), channels, random, true, FileLayout::matrix_as_conv),
      norm_hidden_(channels),
      second_(channels, channels, random, true, FileLayout::matrix_as_conv),
      last_(channels, channels, random, true, FileLayout::matrix_as_conv),
      dropout_in_(static_cast<real>(o.dropout_in), true),
      dropout_hidden_(static_cast<real>(o.dropout_hidden), true) {
  // Places of the published sequence; 0 scales the image, 3 and 6 are dropout, 5 and 9 ReLU.
  add("1", features_);
  add("2", norm_in_);
  add("3", dropout_in_);
  add("4", first_);
  add("6", dropout_hidden_);
  add("7", norm_hidden_);
  add("8", second_);
  add("10", last_);
}

Var ImplicitNetwork::operator()(const Var& image) const {
  Var x = dropout_in_(norm_in_.norm(features_(min_max_scale(image))));
  x = norm_hidden_.norm(dropout_hidden_(first_(x, Activation::relu)));
  return last_(second_(x, Activation::relu));
}

ColorRange::ColorRange(const Tensor& image) {
  require<ShapeError>(image.rank() == 4 && image.dim(0) == 1 && image.dim(3) == 3 && image.size() > 0,
                      "[implicit] image ", image.shape(), " must be (1,H,W,3), not empty.");
  const Tensor smallest_color = smallest(image).value, largest_color = largest(image).value;
  for (int c = 0; c < 3; ++c) {
    low[c] = smallest_color.data()[c];
    range[c] = std::max(real(1e-4), largest_color.data()[c] - low[c]);
  }
}

Tensor ImplicitNetwork::signals_of(const Tensor& image) const {
  const ColorRange range(image);
  const Index h = image.dim(1), w = image.dim(2), s = signals();
  const std::vector<real> rows = linspace(-1, 1, h), cols = linspace(-1, 1, w);
  Tensor signal({h * w, s});
  for (Index p = 0; p < h * w; ++p) {
    real* out = signal.data() + p * s;
    out[0] = rows[usize(p / w)], out[1] = cols[usize(p % w)];
    if (color_) range.scale(image.data() + 3 * p, out + 2);
  }
  return signal;
}

Var ImplicitNetwork::map(const Tensor& image) const {
  return reshape(pixels(signals_of(image)), {1, image.dim(1), image.dim(2), last_.out()});
}

std::vector<const Parameter*> ImplicitNetwork::in_order() const {
  return {&features_.phases(),
          &norm_in_.norm.weight,
          &norm_in_.norm.bias,
          &first_.weight,
          &first_.bias,
          &norm_hidden_.norm.weight,
          &norm_hidden_.norm.bias,
          &second_.weight,
          &second_.bias,
          &last_.weight,
          &last_.bias};
}

PixelNetwork ImplicitNetwork::network(const Tensor& matrix) const {
  std::vector<Tensor> values;
  for (const Parameter* p : in_order()) values.push_back(p->value);
  if (matrix.size() > 0) {
    values[PixelParameters::last_weight] = matmul(matrix, values[PixelParameters::last_weight], true);
    values[PixelParameters::last_bias] =
        matmul(values[PixelParameters::last_bias].reshape({1, -1}), matrix).reshape({-1});
  }
  return PixelNetwork({frequencies_, signals(), 2}, std::move(values), {}, {});
}

void ImplicitNetwork::start_from_zero() {
  for (Parameter* p : last_.parameters()) p->set(Tensor::zeros(p->value.shape()));
}

Var ImplicitNetwork::pixels(const Tensor& signals) const {
  Var inputs[PixelParameters::count];
  std::vector<Tensor> values;
  for (const Parameter* p : in_order()) {
    inputs[values.size()] = Var(*p);
    values.push_back(p->value);
  }
  const Tensor keep_in = dropout_in_.draw_channels(features_.out()),
               keep_hidden = dropout_hidden_.draw_channels(first_.out());
  auto net = std::make_shared<const PixelNetwork>(PixelNetwork::Features{frequencies_, this->signals(), 2},
                                                  std::move(values), keep_in, keep_hidden);
  const Index n = signals.dim(0);
  Tensor y({n, net->out()}), h1, h2;
  if (tape_of("implicit", inputs, PixelParameters::count))
    h1 = Tensor({n, net->hidden()}), h2 = Tensor({n, net->hidden()});
  net->forward(signals, y.data(), h1.data(), h2.data());
  return record("implicit", inputs, PixelParameters::count, std::move(y), [net, signals, h1, h2](const Gradient& g) {
    std::vector<Tensor> gradients = net->backward(signals, h1, h2, g.dy);
    for (int i = 0; i < PixelParameters::count; ++i)
      if (g.wants(i)) g.add(i, std::move(gradients[usize(i)]));
  });
}

}  // namespace fu
