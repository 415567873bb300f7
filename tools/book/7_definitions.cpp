#include "tools/book/7_definitions.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "core/eigen.h"
#include "layers/fourier_features.h"

namespace fu::plain {

//! [view]
/// x (1,H,W,C) seen through a jitter: mirrored beyond its border, magnified, cut to H x W, and mirrored.
Var view_of(const Var& x, const Jitter& jitter) {
  const Index h = x.dim(1), w = x.dim(2);
  Var y = reflect_pad(x, jitter.max_pad);
  if (jitter.zoom > 1) y = zoom_bilinear(y, jitter.zoom);
  y = slice(slice(y, 1, jitter.top, jitter.top + h), 2, jitter.left, jitter.left + w);
  if (!jitter.flip) return y;
  std::vector<Var> columns;
  for (Index j = w; j-- > 0;) columns.push_back(slice(y, 2, j, j + 1));
  return concat(columns, 2);
}
//! [view]

//! [uncertainty]
/// One deviation for each position of target (B,h,w,C): (B,h,w,1).
Var uncertainty(const Var& target, const Parameters& p) {
  return clamp_min(exp(affine(linear(target, p.at("net.weight"), p.at("net.bias")), 1, real(0.1))), real(1e-4));
}

Var likelihood_loss(const Var& prediction, const Var& target, const Var& s) {
  return mean(square(prediction - target) / affine(square(s), 2) + log(s));
}
//! [uncertainty]

//! [windows]
/// Where `count` windows of `kernel` pixels begin on an axis of n: each around the middle of its patch, but inside.
std::vector<Index> window_starts(Index n, Index kernel, Index count) {
  std::vector<Index> starts;
  for (Index i = 0; i < count; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(count);
    const auto start = static_cast<Index>(std::lround(middle - 0.5 * static_cast<double>(kernel)));
    starts.push_back(std::clamp<Index>(start, 0, n - kernel));
  }
  return starts;
}

/// The weighted mean of each window of x (1,H,W,C): (1,h,w,C). weights(top, left): of one window, (1,k,k,1).
template <class F>
Var pool_windows(const Var& x, Index k, Index h, Index w, const F& weights) {
  std::vector<Var> means;
  for (const Index top : window_starts(x.dim(1), k, h))
    for (const Index left : window_starts(x.dim(2), k, w)) {
      const Var window = slice(slice(x, 1, top, top + k), 2, left, left + k);
      means.push_back(sum(sum(window * weights(top, left), 1), 2));
    }
  return reshape(concat(means, 1), {1, h, w, x.dim(3)});
}
//! [windows]

//! [simple]
/// kernel (k,k): made positive and of sum 1, the same for all windows.
Var simple_downsample(const Var& x, const Var& kernel, Index h, Index w) {
  const Index k = kernel.dim(0);
  const Var weights = reshape(abs(kernel) / sum(abs(kernel)), {1, k, k, 1});
  return pool_windows(x, k, h, w, [&](Index, Index) { return weights; });
}
//! [simple]

//! [attention]
/// Each window's weights are a softmax of its pixels' saliency, a linear function of the blurred features.
Var attention_downsample(const Var& x, const Parameters& p, Index h, Index w) {
  const Var blurred = gaussian_blur(x, 5, 1);
  const Var saliency = linear(blurred, p.at("attention_net.1.weight"), p.at("attention_net.1.bias"));
  const Index k = p.at("w").dim(0);
  const Var scale = reshape(p.at("w"), {1, k, k, 1}), shift = reshape(p.at("b"), {1, k, k, 1});
  return pool_windows(blurred, k, h, w, [&](Index top, Index left) {
    const Var logits = slice(slice(saliency, 1, top, top + k), 2, left, left + k) * scale + shift;
    return reshape(softmax(reshape(logits, {1, k * k}), -1), {1, k, k, 1});
  });
}
//! [attention]

//! [neighbours]
/// The vectors around every pixel, d x d of them, d = 2 radius + 1: (1,H,W,C) -> (1,H,W,d*d,C).
Var neighbours(const Var& x, Index radius) {
  const Index h = x.dim(1), w = x.dim(2), d = 2 * radius + 1;
  const Var padded = reflect_pad(x, radius);
  std::vector<Var> shifted;
  for (Index t = 0; t < d * d; ++t)
    shifted.push_back(reshape(slice(slice(padded, 1, t / d, t / d + h), 2, t % d, t % d + w), {1, h, w, 1, x.dim(3)}));
  return concat(shifted, 3);
}
//! [neighbours]

//! [kernels]
/// The weights of the d x d neighbours of every pixel: guidance (1,H,W,3) -> (1,H,W,d*d).
Var jbu_kernels(const Var& guidance, const Parameters& p) {
  const auto layer = [&](const Var& x, const std::string& name) {
    return linear(x, p.at(name + ".weight"), p.at(name + ".bias"));
  };
  const Index h = guidance.dim(1), w = guidance.dim(2), taps = p.at("fixup_proj.3.bias").size();
  const auto d = static_cast<Index>(std::lround(std::sqrt(taps)));
  const Index radius = d / 2;
  const Var key = layer(gelu(layer(guidance, "range_proj.0")), "range_proj.3");
  const Var products = sum(neighbours(key, radius) * reshape(key, {1, h, w, 1, key.dim(3)}), -1);
  const Var temperature = clamp(exp(p.at("range_temp")), real(1e-4), real(1e4));
  const Var range = softmax(reshape(products, {1, h, w, taps}) * temperature, -1);
  Tensor distance({taps});  // squared, on [-1,1]^2
  for (Index t = 0; t < taps; ++t) {
    const double y = static_cast<double>(t / d - radius) / static_cast<double>(radius),
                 x = static_cast<double>(t % d - radius) / static_cast<double>(radius);
    distance.data()[t] = static_cast<real>(y * y + x * x);
  }
  const Var spatial = exp(affine(Var(distance), real(-0.5)) / square(p.at("sigma_spatial")));
  const Var kernel = range * spatial / clamp_min(sum(range * spatial, -1), real(1e-7));
  return kernel + affine(layer(gelu(layer(concat({kernel, guidance}, -1), "fixup_proj.0")), "fixup_proj.3"), real(0.1));
}

/// source (1,h,w,C), guidance (1,2h,2w,3) -> (1,2h,2w,C)
Var jbu_level(const Var& source, const Var& guidance, const Parameters& p) {
  const Index h = guidance.dim(1), w = guidance.dim(2), taps = p.at("fixup_proj.3.bias").size();
  const Index radius = static_cast<Index>(std::lround(std::sqrt(taps))) / 2;
  const Var around = neighbours(resize_bicubic(source, h, w), radius);
  return reshape(sum(around * reshape(jbu_kernels(guidance, p), {1, h, w, taps, 1}), 3), {1, h, w, source.dim(3)});
}
//! [kernels]

//! [implicit]
/// The network's map of image (1,H,W,3), one pixel a row on the way: (1,H,W,D).
Var implicit_map(const Tensor& image, const Parameters& p, const std::vector<real>& frequencies) {
  const Index h = image.dim(1), w = image.dim(2), n = static_cast<Index>(frequencies.size());
  const Var low = smallest(image), high = largest(image);  // of each colour
  const Var colors = affine((Var(image) - low) / clamp_min(high - low, real(1e-4)), 1, real(-0.5));
  const Tensor rows = expand(Tensor::from({1, h, 1, 1}, linspace(-1, 1, h)), {1, h, w, 1}),
               cols = expand(Tensor::from({1, 1, w, 1}, linspace(-1, 1, w)), {1, h, w, 1});
  const Var signals = reshape(concat({Var(rows), Var(cols), colors}, 3), {h * w, 1, 5});
  const Var phases = signals * Var(Tensor::from({n, 1}, frequencies));  // (HW,n,5)
  const Var bias = reshape(p.at("1.biases"), {2, n, 5});
  const auto flat = [&](const Var& x) { return reshape(x, {h * w, 5 * n}); };
  Var x = concat(
      {flat(sin(phases + slice(bias, 0, 0, 1))), flat(cos(phases + slice(bias, 0, 1, 2))), reshape(colors, {h * w, 3})},
      -1);
  x = layer_norm(x, p.at("2.norm.weight"), p.at("2.norm.bias"), real(1e-5));
  x = relu(linear(x, p.at("4.weight"), p.at("4.bias")));
  x = layer_norm(x, p.at("7.norm.weight"), p.at("7.norm.bias"), real(1e-5));
  x = relu(linear(x, p.at("8.weight"), p.at("8.bias")));
  x = linear(x, p.at("10.weight"), p.at("10.bias"));
  return reshape(x, {1, h, w, x.dim(1)});
}
//! [implicit]

//! [variation]
/// Squared differences of every pixel from the one below and from the one to the right, over the number of elements.
double total_variation(const Tensor& x) {
  const Index h = x.dim(1), w = x.dim(2), c = x.dim(3);
  double total = 0;
  const auto add = [&](Index from, Index to) {
    const double difference = static_cast<double>(x.data()[to]) - static_cast<double>(x.data()[from]);
    total += difference * difference;
  };
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j)
      for (Index k = 0; k < c; ++k) {
        const Index here = (i * w + j) * c + k;
        if (i + 1 < h) add(here, here + w * c);
        if (j + 1 < w) add(here, here + c);
      }
  return total / static_cast<double>(x.size());
}
//! [variation]

//! [components]
/// The `count` directions along which the rows of x (..,C) vary most.
Pca principal_components(const Tensor& x, Index count) {
  const Eigen::MatrixXd rows = as_matrix(x).cast<double>();
  const Eigen::RowVectorXd middle = rows.colwise().mean();
  const Eigen::MatrixXd centred = rows.rowwise() - middle;
  const Eigen::MatrixXd covariance = centred.transpose() * centred / static_cast<double>(rows.rows());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);  // eigenvalues rise
  Eigen::MatrixXd directions = solver.eigenvectors().rowwise().reverse().leftCols(count).transpose();
  for (Eigen::Index i = 0; i < directions.rows(); ++i) {
    Eigen::Index largest = 0;  // its sign is free: let the largest entry be positive
    directions.row(i).cwiseAbs().maxCoeff(&largest);
    if (directions(i, largest) < 0) directions.row(i) *= -1;
  }
  const Eigen::VectorXd variance = solver.eigenvalues().reverse();
  return {to_tensor(middle.transpose()), to_tensor(directions), to_tensor(variance.head(count)), variance.sum()};
}
//! [components]

}  // namespace fu::plain
