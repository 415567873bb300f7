#include "featup/training/losses.h"

#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

Var magnitude(const Var& x) { return sqrt(sum(square(x), -1)); }

Var reconstruction_loss(const Var& pred, const Var& target, const Var& scale) {
  require<ShapeError>(pred.shape() == target.shape() && scale.rank() == pred.rank() && scale.dim(-1) == 1,
                      "[reconstruction_loss] pred ", pred.shape(), ", target ", target.shape(), ", scale ",
                      scale.shape(), ": the first two must be equal, scale (..,1).");
  return mean(square(pred - target) / affine(square(scale), 2) + log(scale));
}

Var cosine_and_square_loss(const Var& pred, const Var& target) {
  require<ShapeError>(pred.shape() == target.shape() && pred.rank() >= 1 && pred.size() > 0,
                      "[cosine_and_square_loss] pred ", pred.shape(), ", target ", target.shape(),
                      ": must be equal, and not empty.");
  const Var dot = sum(pred * target, -1), squares = sum(square(pred), -1) * sum(square(target), -1);
  return affine(mean(dot / sqrt(clamp_min(squares, real(1e-24)))), -1, 1) + mean(square(pred - target));
}

namespace {

/// Calls f(band, first row, last row) for rows of an image (1,H,W,C), some at a time on each thread.
template <class F>
void each_band(Index h, const F& f) {
  constexpr Index kRows = 4;
  parallel_for((h + kRows - 1) / kRows, [&](Index band) { f(band, band * kRows, std::min(h, (band + 1) * kRows)); });
}

}  // namespace

Var blur_distance(const Var& x) {
  require<ShapeError>(x.rank() == 4 && x.dim(0) == 1 && x.size() > 0, "[blur_distance] x ", x.shape(),
                      " must be (1,H,W,C), not empty.");
  const ImageMaps blur = gaussian_blur_maps(x.shape(), 5, 1);
  const Index h = x.dim(1), row = x.dim(2) * x.dim(3);
  Tensor residual(x.shape());  // blurred - x
  std::vector<double> sums(usize(h));
  each_band(h, [&](Index band, Index begin, Index end) {
    real* out = residual.data() + begin * row;
    resample_band(x.value, blur.rows, blur.cols, begin, end, out);
    kernels().binary(Binary::sub, out, 1, x.value.data() + begin * row, 1, out, (end - begin) * row);
    double total = 0;
    for (Index first = 0; first < (end - begin) * row; first += 1024) {
      real part[8] = {};
      const Index last = std::min(first + 1024, (end - begin) * row);
      for (Index i = first; i + 8 <= last; i += 8)
        for (Index lane = 0; lane < 8; ++lane) part[lane] += out[i + lane] * out[i + lane];
      for (Index i = last - (last - first) % 8; i < last; ++i) part[0] += out[i] * out[i];
      for (real p : part) total += static_cast<double>(p);
    }
    sums[usize(band)] = total;
  });
  double total = 0;
  for (double sum : sums) total += sum;
  Tensor loss{Shape{}};
  loss.data()[0] = static_cast<real>(total / static_cast<double>(x.size()));
  return record("blur_distance", {x}, std::move(loss), [residual, blur, h, row](const Gradient& g) {
    const real scale = 2 * g.dy.item() / static_cast<real>(residual.size());
    const AxisMap rows = blur.rows.transposed(), cols = blur.cols.transposed();
    bool fresh = false;
    Tensor dx = g.target(0, fresh);
    each_band(h, [&](Index, Index begin, Index end) {
      const Index n = (end - begin) * row;
      Tensor back({n});
      resample_band(residual, rows, cols, begin, end, back.data());
      real* out = dx.data() + begin * row;
      const real *in = back.data(), *here = residual.data() + begin * row;
      for (Index i = 0; i < n; ++i) out[i] = (fresh ? 0 : out[i]) + scale * (in[i] - here[i]);
    });
    g.set(0, std::move(dx));
  });
}

Var total_variation(const Var& x) {
  require<ShapeError>(x.rank() == 4 && x.size() > 0, "[total_variation] x ", x.shape(),
                      " must be (B,H,W,C), not empty.");
  const Index h = x.dim(1), w = x.dim(2);
  const Var down = slice(x, 1, 1, h) - slice(x, 1, 0, h - 1), right = slice(x, 2, 1, w) - slice(x, 2, 0, w - 1);
  return affine(sum(square(down)) + sum(square(right)), 1 / static_cast<real>(x.size()));
}

ScaleNet::ScaleNet(Index channels, Random* random) : net(channels, 1, random, true, FileLayout::matrix_as_conv) {
  add("net", net);
}

Var crf_loss(const Var& guidance, const Var& features, const std::vector<Index>& rows, const std::vector<Index>& cols,
             const CrfOptions& o) {
  const std::size_t n = rows.size();
  require<ShapeError>(guidance.rank() == 4 && features.rank() == 4 && guidance.dim(0) == features.dim(0) &&
                          guidance.dim(1) == features.dim(1) && guidance.dim(2) == features.dim(2) &&
                          cols.size() == n && n > 0,
                      "[crf_loss] guidance ", guidance.shape(), ", features ", features.shape(), ", ", n, " rows and ",
                      cols.size(), " columns: maps must have equal B, H, W, samples a row and a column each.");
  const Index b = guidance.dim(0), h = guidance.dim(1), w = guidance.dim(2), count = static_cast<Index>(n);
  auto pixels = std::make_shared<std::vector<Index>>();
  Tensor place({1, count, 2});
  for (Index image = 0; image < b; ++image)
    for (std::size_t i = 0; i < n; ++i) {
      require<ShapeError>(rows[i] >= 0 && rows[i] < h && cols[i] >= 0 && cols[i] < w, "[crf_loss] sample (", rows[i],
                          ",", cols[i], ") of ", h, "x", w, ".");
      pixels->push_back((image * h + rows[i]) * w + cols[i]);
      place.data()[2 * i] = static_cast<real>(rows[i]) / static_cast<real>(h);
      place.data()[2 * i + 1] = static_cast<real>(cols[i]) / static_cast<real>(w);
    }
  const auto distances = [&](const Var& x) {
    return pairwise_squared_distances(reshape(gather(reshape(x, {b * h * w, x.dim(3)}), pixels), {b, count, x.dim(3)}));
  };
  const Var apart = pairwise_squared_distances(place);
  const Var like = exp(affine(apart, -1 / (2 * o.alpha)) + affine(distances(guidance), -1 / (2 * o.beta)));
  const Var near = exp(affine(apart, -1 / (2 * o.gamma)));
  return mean(distances(features) * (affine(like, o.w1) + affine(near, o.w2, -o.shift)));
}

}  // namespace fu
