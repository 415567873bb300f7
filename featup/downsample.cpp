#include "featup/downsample.h"

#include <algorithm>
#include <cmath>

namespace fu {

std::vector<Index> window_starts(Index n, Index kernel, Index n_out, bool published) {
  require<ShapeError>(n_out >= 1 && kernel >= 1 && kernel <= n, "[downsample] windows of ", kernel, " on an axis of ", n, " for ", n_out,
                      " outputs: a window must fit. Use a smaller kernel.");
  std::vector<Index> starts;
  const Index stride = n_out > 1 ? (n - kernel) / (n_out - 1) : 0;
  for (Index i = 0; i < n_out; ++i) {
    const Index center = static_cast<Index>(
        std::lround((static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(n_out) - 0.5 * static_cast<double>(kernel)));
    starts.push_back(published ? i * stride : std::clamp<Index>(center, 0, n - kernel));
  }
  return starts;
}

namespace {

/// The k x k windows of x (B,H,W,C), h x w of them in each image.
std::shared_ptr<const Rectangles> windows_of(const Var& x, Index kernel, Index h, Index w, bool published) {
  require<ShapeError>(x.rank() == 4, "[downsample] x ", x.shape(), " must be (B,H,W,C).");
  auto windows = std::make_shared<Rectangles>(x.dim(0), x.dim(1), x.dim(2));
  const std::vector<Index> tops = window_starts(x.dim(1), kernel, h, published), lefts = window_starts(x.dim(2), kernel, w, published);
  for (Index b = 0; b < x.dim(0); ++b)
    for (Index top : tops)
      for (Index left : lefts) windows->add(b, top, left, kernel, kernel);
  windows->finish();
  return windows;
}

}  // namespace

SimpleDownsampler::SimpleDownsampler(Index kernel) : kernel_params(Tensor::full({kernel, kernel}, 1)) { add("kernel_params", kernel_params); }

Var SimpleDownsampler::operator()(const Var& x, Index h, Index width, bool published) const {
  const Index k = kernel_params.value.dim(0);
  const auto windows = windows_of(x, k, h, width, published);
  const Var positive = abs(kernel_params), weights = expand(reshape(positive / sum(positive), {1, k * k}), {windows->count(), k * k});
  return reshape(rectangle_sums(x, reshape(weights, {windows->weights()}), windows), {x.dim(0), h, width, x.dim(3)});
}

AttentionDownsampler::AttentionDownsampler(Index channels, Index kernel, Random* random, bool blur) : blur_(blur) {
  const auto noise = [&](real around) {
    return random ? unary(Unary::affine, random->normal({kernel, kernel}), real(0.01), around) : Tensor({kernel, kernel});
  };
  w.set(noise(1));
  b.set(noise(0));
  attention_net.push<Dropout>(real(0.2));
  attention_net.push<Linear>(channels, 1, random);
  add("w", w);
  add("b", b);
  add("attention_net", attention_net);
}

Var AttentionDownsampler::operator()(const Var& x, Index h, Index width, bool published) const {
  Tensor keep;
  if (random_) {
    keep = random_->uniform({x.dim(0), h, width}, 0, 1);
    for (Index i = 0; i < keep.size(); ++i) keep.data()[i] = keep.data()[i] < real(0.2) ? 0 : 1;
  }
  return forward(x, h, width, published, keep);
}

Var AttentionDownsampler::forward(const Var& x, Index h, Index width, bool published, const Tensor& keep) const {
  const Index k = w.value.dim(0), n = h * width, batch = x.dim(0);
  require<ShapeError>(keep.size() == 0 || keep.size() == batch * n, "[attention_downsample] keep ", keep.shape(), " for ", batch, " maps of ", h, "x",
                      width, ".");
  const auto windows = windows_of(x, k, h, width, published);
  const Var smooth = blur_ ? gaussian_blur(x, 5, 1) : x;
  Var saliency = reshape(rectangle_products(attention_net(smooth), Tensor::full({batch * n, 1}, 1), windows), {batch * n, k * k});
  if (keep.size() > 0) saliency = saliency * Var(keep.reshape({batch * n, 1}));
  const Var attention = softmax(saliency * reshape(w, {k * k}) + reshape(b, {k * k}), -1);
  return reshape(rectangle_sums(smooth, reshape(attention, {windows->weights()}), windows), {batch, h, width, x.dim(3)});
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
