#include "featup/training/downsample.h"

#include <algorithm>
#include <cmath>

namespace fu {

std::vector<Index> window_starts(Index n, Index kernel, Index n_out, bool published) {
  require<ShapeError>(n_out >= 1 && kernel >= 1 && kernel <= n, "[downsample] windows of ", kernel, " on an axis of ",
                      n, " for ", n_out, " outputs: a window must fit. Use a smaller kernel.");
  std::vector<Index> starts;
  const Index stride = n_out > 1 ? (n - kernel) / (n_out - 1) : 0;
  for (Index i = 0; i < n_out; ++i) {
    const Index center = static_cast<Index>(
        std::lround((static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(n_out) -
                    0.5 * static_cast<double>(kernel)));
    starts.push_back(published ? i * stride : std::clamp<Index>(center, 0, n - kernel));
  }
  return starts;
}

namespace {

/// The k x k windows of x (B,H,W,C), h x w of them in each image.
std::shared_ptr<const Rectangles> windows_of(const Var& x, Index kernel, Index h, Index w, bool published) {
  require<ShapeError>(x.rank() == 4, "[downsample] x ", x.shape(), " must be (B,H,W,C).");
  auto windows = std::make_shared<Rectangles>(x.dim(0), x.dim(1), x.dim(2));
  const std::vector<Index> tops = window_starts(x.dim(1), kernel, h, published),
                           lefts = window_starts(x.dim(2), kernel, w, published);
  for (Index b = 0; b < x.dim(0); ++b)
    for (Index top : tops)
      for (Index left : lefts) windows->add(b, top, left, kernel, kernel);
  windows->finish();
  return windows;
}

}  // namespace

SimpleDownsampler::SimpleDownsampler(Index kernel) : kernel_params(Tensor::full({kernel, kernel}, 1)) {
  add("kernel_params", kernel_params);
}

Var SimpleDownsampler::operator()(const Var& x, Index h, Index width, bool published) const {
  const Index k = kernel_params.value.dim(0);
  const auto windows = windows_of(x, k, h, width, published);
  return reshape(rectangle_sums(x, reshape(weights(windows->count()), {windows->weights()}), windows),
                 {x.dim(0), h, width, x.dim(3)});
}

Var SimpleDownsampler::weights(Index windows) const {
  const Index taps = kernel() * kernel();
  const Var positive = abs(kernel_params);
  return expand(reshape(positive / sum(positive), {1, taps}), {windows, taps});
}

Var SimpleDownsampler::view_weights(const ViewWindows& windows, const Var& map, Var& length) const {
  length = slice(norm_dot_energy(map, Tensor::zeros({map.dim(3)})), 3, 0, 1);
  return weights(windows.count());
}

AttentionDownsampler::AttentionDownsampler(Index channels, Index kernel, Random* random, bool blur, double dropout)
    : blur_(blur), drop_(static_cast<real>(dropout)) {
  const auto noise = [&](real around) {
    return random ? unary(Unary::affine, random->normal({kernel, kernel}), real(0.01), around)
                  : Tensor({kernel, kernel});
  };
  w.set(noise(1));
  b.set(noise(0));
  attention_net.push<Dropout>(drop_);
  saliency_ = &attention_net.push<Linear>(channels, 1, random);
  add("w", w);
  add("b", b);
  add("attention_net", attention_net);
}

Tensor AttentionDownsampler::draw_keep(Index windows) const {
  if (!random_ || drop_ == 0) return Tensor();
  Tensor keep = random_->uniform({windows}, 0, 1);
  for (Index i = 0; i < windows; ++i) keep.data()[i] = keep.data()[i] < drop_ ? 0 : 1;
  return keep;
}

Var AttentionDownsampler::operator()(const Var& x, Index h, Index width, bool published) const {
  return forward(x, h, width, published, draw_keep(x.dim(0) * h * width));
}

Var AttentionDownsampler::forward(const Var& x, Index h, Index width, bool published, const Tensor& keep) const {
  const auto windows = windows_of(x, kernel(), h, width, published);
  require<ShapeError>(keep.size() == 0 || keep.size() == windows->count(), "[attention_downsample] keep ", keep.shape(),
                      " for ", windows->count(), " windows.");
  const Var smooth = blur_ ? gaussian_blur(x, 5, 1) : x;
  const Var saliency = rectangle_products(attention_net(smooth), Tensor::full({windows->count(), 1}, 1), windows);
  const Var attention = pooling_attention(reshape(saliency, {windows->count(), kernel() * kernel()}), Tensor(), {},
                                          keep, w, b, Tensor::zeros({1}));
  return reshape(rectangle_sums(smooth, reshape(attention, {windows->weights()}), windows),
                 {x.dim(0), h, width, x.dim(3)});
}

Var AttentionDownsampler::view_weights(const ViewWindows& windows, const Var& map, Var& length) const {
  const Index c = map.dim(3);
  require<ShapeError>(saliency_->weight.value.dim(1) == c + 1, "[attention_downsample] map ", map.shape(),
                      " for a saliency of ", saliency_->weight.value.dim(1),
                      " channels: it must have one less, for the lengths.");
  // The saliency is linear, so it is computed on the map, and only this one channel is jittered and blurred.
  const Var read = norm_dot_energy(map, reshape(slice(saliency_->weight, 1, 1, c + 1), {c}));
  const Var of_length = reshape(slice(saliency_->weight, 1, 0, 1), {1});
  length = slice(read, 3, 0, 1);
  return window_weights(windows, slice(read, 3, 1, 2) + length * of_length,
                        slice(read, 3, 2, 3) + square(length * of_length), saliency_->bias);
}

Var AttentionDownsampler::window_weights(const ViewWindows& windows, const Var& salience, const Var& terms,
                                         const Var& bias) const {
  const Tensor keep = draw_keep(windows.count());
  const Var saliency = windows.see(salience, keep);
  if (!random_ || drop_ == 0) return pooling_attention(saliency, Tensor(), {}, keep, w, b, bias);
  const Var deviation = windows.see(sqrt(clamp_min(affine(terms, drop_ / (1 - drop_)), real(1e-12))), keep);
  constexpr real kReach = real(1.7320508);  // uniform in +-sqrt(3) has variance 1
  return pooling_attention(saliency, deviation, random_->uniform(saliency.shape(), -kReach, kReach), keep, w, b, bias);
}

void AttentionDownsampler::train(Random& random) {
  random_ = &random;
  Module::train(random);
}

void AttentionDownsampler::eval() {
  random_ = nullptr;
  Module::eval();
}

}  // namespace fu
