#include "featup/jbu/jbu_layers.h"

#include <cmath>

#include "featup/photo/preprocess.h"

namespace fu {

JbuLearnedRange::Projection::Projection(Index in, Index hidden, Index out, double drop, Random* random)
    : first(in, hidden, random, true, FileLayout::matrix_as_conv),
      second(hidden, out, random, true, FileLayout::matrix_as_conv),
      dropout(static_cast<real>(drop), true) {
  add("0", first);
  add("2", dropout);
  add("3", second);
}

namespace {

Index square_of(Index n) { return n * n; }

}  // namespace

JbuLearnedRange::JbuLearnedRange(const JbuLayersOptions& o, Random* random)
    : range_temp(Tensor::full({}, static_cast<real>(std::log(o.temperature)))),
      sigma_spatial(Tensor::full({}, static_cast<real>(o.sigma))),
      range_proj_(o.guidance_dim, o.key_dim, o.key_dim, o.dropout, random),
      fixup_proj_(o.guidance_dim + square_of(2 * o.radius + 1), square_of(2 * o.radius + 1),
                  square_of(2 * o.radius + 1), o.dropout, random),
      radius_(o.radius),
      unit_sum_(o.unit_sum) {
  add("range_temp", range_temp);
  add("sigma_spatial", sigma_spatial);
  add("range_proj", range_proj_);
  add("fixup_proj", fixup_proj_);
  if (o.color_range > 0 && random) start_bilateral(o.color_range);
}

void JbuLearnedRange::start_bilateral(double width) {
  constexpr Index kColors = 3;
  constexpr double kStep = 0.25, kOffset = 60;  // inputs of GELU small enough for its parabola; A above
  const Index keys = range_proj_.first.out();
  require<UsageError>(range_proj_.first.in() == kColors && keys >= 2 * kColors,
                      "[jbu] a bilateral start wants a photo's 3 channels and at least ", 2 * kColors, " keys.");
  Tensor first = range_proj_.first.weight.value.clone(), first_bias = range_proj_.first.bias.value.clone();
  Tensor second = range_proj_.second.weight.value.clone(), second_bias = range_proj_.second.bias.value.clone();
  // Hidden channels 2c and 2c + 1 are GELU of +-x_c. Their difference is x_c, their sum nearly sqrt(2 / pi) x_c^2.
  for (Index i = 0; i < 2 * kColors; ++i) {
    for (Index j = 0; j < kColors; ++j)
      first.data()[i * kColors + j] = static_cast<real>(j == i / 2 ? (i % 2 ? -kStep : kStep) : 0);
    first_bias.data()[i] = 0;
  }
  for (Index k = 0; k < keys; ++k)
    for (Index i = 0; i < keys; ++i) {
      real& w = second.data()[k * keys + i];
      if (k > kColors) {  // the others are learned from next to nothing
        w *= real(0.1);
        continue;
      }
      w = 0;
      if (i >= 2 * kColors) continue;
      const double deviation = kPhotoDeviation[i / 2];
      if (k == kColors)
        w = static_cast<real>(-deviation * deviation /
                              (2 * width * width * kOffset * kStep * kStep * std::sqrt(2 / 3.14159265358979)));
      else if (k == i / 2)
        w = static_cast<real>((i % 2 ? -1 : 1) * deviation / (width * kStep));
    }
  for (Index k = 0; k < keys; ++k) second_bias.data()[k] = static_cast<real>(k == kColors ? kOffset : 0);
  for (Parameter* p : fixup_proj_.second.parameters()) p->set(unary(Unary::affine, p->value, real(0.1)));
  range_proj_.first.weight.set(first), range_proj_.first.bias.set(first_bias);
  range_proj_.second.weight.set(second), range_proj_.second.bias.set(second_bias);
}

Var JbuLearnedRange::kernels(const Var& guidance) const {
  require<ShapeError>(guidance.rank() == 4 && guidance.dim(1) > radius_ && guidance.dim(2) > radius_, "[jbu] guidance ",
                      guidance.shape(), " must be (B,H,W,g) with H and W above the radius ", radius_, ".");
  const NameScope scope("kernels");
  const Index d = 2 * radius_ + 1;
  // Only the pixel's own key needs its bias: what a bias adds to all neighbours' products alike, softmax ignores, and
  // large ones cost digits.
  const Var keys = linear(range_proj_.hidden(guidance), range_proj_.second.weight, Tensor());
  const Var temperature = clamp(exp(range_temp), real(1e-4), real(1e4));
  const Var range = softmax(neighbor_products(keys + range_proj_.second.bias, keys, radius_) * temperature, -1);
  Tensor distance({d * d});  // squared, on [-1,1]^2
  for (Index t = 0; t < d * d; ++t) {
    const real y = static_cast<real>(t / d - radius_) / static_cast<real>(radius_),
               x = static_cast<real>(t % d - radius_) / static_cast<real>(radius_);
    distance.data()[t] = y * y + x * x;
  }
  const Var spatial = exp(affine(distance, real(-0.5)) / square(sigma_spatial));
  const Var product = range * spatial;
  const Var kernel = product / clamp_min(sum(product, -1), real(1e-7));
  Var change = fixup_proj_(concat({kernel, guidance}, -1));
  if (unit_sum_) change = change - affine(sum(change, -1), 1 / static_cast<real>(d * d));
  return kernel + affine(change, real(0.1));
}

Var JbuLearnedRange::operator()(const Var& source, const Var& guidance) const {
  require<ShapeError>(source.rank() == 4 && guidance.rank() == 4 && source.dim(0) == guidance.dim(0), "[jbu] source ",
                      source.shape(), ", guidance ", guidance.shape(), ": must be (B,h,w,C) and (B,H,W,g).");
  const NameScope scope(registered_name());
  return adaptive_conv(resize_bicubic(source, guidance.dim(1), guidance.dim(2)), kernels(guidance));
}

JbuLayers::Mixing::Mixing(Index channels, Random* random)
    : dropout(real(0.2), true), linear(channels, channels, random, true, FileLayout::matrix_as_conv) {
  add("0", dropout);
  add("1", linear);
}

JbuLayers::JbuLayers(Index channels, const JbuLayersOptions& o, Random* random) : options_(o) {
  for (Index i = 1; i <= (o.shared ? 1 : o.levels); ++i) {
    levels_.push_back(std::make_unique<JbuLearnedRange>(o, random));
    add("up" + std::to_string(i), *levels_.back());
  }
  if (!o.mixing) return;
  fixup_proj_ = std::make_unique<Mixing>(channels, random);
  add("fixup_proj", *fixup_proj_);
}

Var JbuLayers::first_level_means(const Var& source, const Var& guidance) const {
  const Index h = source.dim(1), w = source.dim(2);
  return adaptive_avg_pool((*levels_.front())(source, adaptive_avg_pool(guidance, 2 * h, 2 * w)), h, w);
}

Var JbuLayers::enlarge(const Var& source, const Var& guidance) const {
  Var x = source;
  for (Index i = 0; i < options_.levels; ++i) {
    const Var photo = adaptive_avg_pool(guidance, 2 * x.dim(1), 2 * x.dim(2));
    x = (*levels_[options_.shared ? 0 : usize(i)])(x, photo);
    if (options_.smoothing.present() && i + 1 == kSmoothedLevel)
      x = fu::smooth(
          x, std::make_shared<const LinkSmoother>(photo_smoother(options_.smoothing, untracked("smooth", photo))));
  }
  return x;
}

Var JbuLayers::mix(const Var& x) const {
  if (!fixup_proj_) return x;
  return x + affine(linear(fixup_proj_->dropout(x), fixup_proj_->linear.weight, Tensor()), real(0.1));
}

Var JbuLayers::constant() const { return fixup_proj_ ? affine(fixup_proj_->linear.bias, real(0.1)) : Var(Tensor()); }

Var JbuLayers::operator()(const Var& source, const Var& guidance) const {
  const Var x = mix(enlarge(source, guidance));
  return fixup_proj_ ? x + constant() : x;
}

void JbuLayers::export_to(std::map<std::string, Tensor>& tensors, const std::string& prefix) {
  save(tensors, prefix);
  for (Index i = 1; i <= options_.levels; ++i) {
    const std::string up = prefix + "up" + std::to_string(i) + ".";
    if (options_.shared) levels_.front()->save(tensors, up);
    if (!options_.unit_sum) continue;
    for (const char* name : {"fixup_proj.3.weight", "fixup_proj.3.bias"}) {
      // The mean over the outputs is taken off the rows of the layer that makes them.
      Tensor w = tensors.at(up + name).clone();
      const Index rows = w.dim(0), row = w.size() / rows;
      for (Index j = 0; j < row; ++j) {
        double mean = 0;
        for (Index r = 0; r < rows; ++r) mean += static_cast<double>(w.data()[r * row + j]) / static_cast<double>(rows);
        for (Index r = 0; r < rows; ++r) w.data()[r * row + j] -= static_cast<real>(mean);
      }
      tensors[up + name] = w;
    }
  }
}

}  // namespace fu
