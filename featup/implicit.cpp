#include "featup/implicit.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

Tensor min_max_scale(const Tensor& x) {
  require<ShapeError>(x.rank() == 4 && x.size() > 0, "[min_max_scale] x ", x.shape(), " must be (B,H,W,C), not empty.");
  const Index c = x.dim(3);
  Tensor low({c}), high({c});
  kernels().min_max(x.data(), low.data(), high.data(), x.size() / c, c);
  const Tensor scale = unary(Unary::clamp_min, high - low, real(1e-4));
  return unary(Unary::affine, (x - low) / scale, 1, real(-0.5));
}

namespace {

/// n evenly spaced numbers, rounded as PyTorch's linspace rounds them: high frequencies turn one unit in the last place of a phase into a
/// visible difference.
std::vector<real> linspace(real begin, real end, Index n) {
  std::vector<real> values;
  const real step = n > 1 ? (end - begin) / static_cast<real>(n - 1) : 0;
  for (Index i = 0; i < n; ++i)
    values.push_back(i < n / 2 || n == 1 ? begin + step * static_cast<real>(i) : end - step * static_cast<real>(n - 1 - i));
  return values;
}

}  // namespace

Tensor fourier_features(const Tensor& image, const Tensor& biases, Index n, bool color) {
  const Index signals = color ? 5 : 2;
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && n >= 1 && (biases.size() == 0 || biases.size() == 2 * signals * n),
                      "[fourier_features] image ", image.shape(), ", biases ", biases.shape(), " for ", n, " frequencies and ", signals,
                      " signals: must be (B,H,W,3) and (2,", signals, ",", n, ").");
  const Index b = image.dim(0), h = image.dim(1), w = image.dim(2), half = n * signals, width = 2 * half + (color ? 3 : 0);
  std::vector<real> frequency = linspace(-2, 10, n);
  for (real& f : frequency) f = static_cast<real>(std::exp(static_cast<double>(f)));
  const std::vector<real> place_row = linspace(-1, 1, h), place_col = linspace(-1, 1, w);
  Tensor y({b, h, w, width});
  parallel_for(b * h, [&](Index row, int) {
    for (Index j = 0; j < w; ++j) {
      const real* rgb = image.data() + (row * w + j) * 3;
      const real signal[5] = {place_row[static_cast<std::size_t>(row % h)], place_col[static_cast<std::size_t>(j)], rgb[0], rgb[1], rgb[2]};
      real* out = y.data() + (row * w + j) * width;
      for (Index k = 0; k < n; ++k)
        for (Index s = 0; s < signals; ++s) {
          const Index i = k * signals + s;
          const real phase = signal[s] * frequency[static_cast<std::size_t>(k)];
          out[i] = phase + (biases.size() ? biases.data()[i] : 0);
          out[half + i] = phase + (biases.size() ? biases.data()[half + i] : 0);
        }
      kernels().unary(Unary::sin, out, out, half, 0, 0);
      kernels().unary(Unary::cos, out + half, out + half, half, 0, 0);
      if (color) std::copy_n(rgb, 3, out + 2 * half);
    }
  });
  return y;
}

Tensor implicit_upsample(const Tensor& image, const std::map<std::string, Tensor>& p, bool color) {
  const auto get = [&](const std::string& name) {
    const auto it = p.find(name);
    require<ShapeError>(it != p.end(), "[implicit_upsample] parameter '", name, "' is missing.");
    return it->second;
  };
  const auto matrix = [&](const std::string& name) { return get(name).reshape({get(name).dim(0), get(name).dim(1)}); };  // (out,in,1,1) -> (out,in)
  const Tensor biases = get("1.biases");
  Tensor x = fourier_features(min_max_scale(image), biases, biases.dim(2), color);
  x = layer_norm(x, get("2.norm.weight"), get("2.norm.bias"), real(1e-5));
  x = linear(x, matrix("4.weight"), get("4.bias"), Activation::relu);
  x = layer_norm(x, get("7.norm.weight"), get("7.norm.bias"), real(1e-5));
  x = linear(x, matrix("8.weight"), get("8.bias"), Activation::relu);
  return linear(x, matrix("10.weight"), get("10.bias"));
}

}  // namespace fu
