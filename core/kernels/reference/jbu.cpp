// Definition of one level of the joint bilateral upsampler.
#include <algorithm>
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// A row of keys is stored as planes, (jbu_key_planes + guidance_dim, width + 2 radius).
Index key_plane(const JbuLevelArgs& l) { return l.width + 2 * l.weights.radius; }

/// The d*d weights of one pixel, followed by the guidance.
std::vector<double> pixel_kernel(const JbuLevelArgs& l, Index y, Index x) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, d = 2 * r + 1, n = d * d, plane = key_plane(l), k = w.key_dim, planes = jbu_key_planes(w),
              g = w.guidance_dim;
  const auto key = [&](Index row, Index col, Index c) {
    return double(l.keys[((reflect(row, l.height) - l.key_row0) * (planes + g) + c) * plane + col + r]);
  };
  std::vector<double> kernel(usize(n + g)), hidden(usize(n));
  double top = -INFINITY, total = 0, sum = 0;
  for (Index t = 0; t < n; ++t) {
    double dot =
        key(y + t / d - r, x + t % d - r, k);  // b . q of the pixel itself is the same for all taps: softmax ignores it
    for (Index c = 0; c < k; ++c) dot += key(y, x, c) * key(y + t / d - r, x + t % d - r, c);
    top = std::max(top, kernel[usize(t)] = dot * double(w.temperature));
  }
  for (Index t = 0; t < n; ++t) total += kernel[usize(t)] = std::exp(kernel[usize(t)] - top);
  for (Index t = 0; t < n; ++t) sum += kernel[usize(t)] *= double(w.spatial[t]) / total;
  for (Index t = 0; t < n; ++t) kernel[usize(t)] /= std::max(sum, 1e-7);
  for (Index i = 0; i < g; ++i) kernel[usize(n + i)] = key(y, x, planes + i);
  for (Index o = 0; o < n; ++o) {
    double v = w.fix0_bias[o];
    for (Index i = 0; i < n + g; ++i) v += double(w.fix0[i * n + o]) * kernel[usize(i)];
    hidden[usize(o)] = gelu(v);
  }
  for (Index o = 0; o < n; ++o) {
    double v = w.fix3_bias[o];
    for (Index i = 0; i < n; ++i) v += double(w.fix3[i * n + o]) * hidden[usize(i)];
    kernel[usize(o)] += v;
  }
  return kernel;
}

}  // namespace

Index jbu_key_row_ref(const JbuLevelArgs& l) {
  return (jbu_key_planes(l.weights) + l.weights.guidance_dim) * key_plane(l);
}

Index jbu_scratch_ref(const JbuLevelArgs&) { return 0; }

Index jbu_col_fold_size_ref(const JbuLevelArgs&) { return 0; }

void jbu_col_fold_ref(const JbuLevelArgs&) {}

void jbu_keys_ref(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const JbuWeights& w = l.weights;
  const Index plane = key_plane(l), k = w.key_dim, planes = jbu_key_planes(w), g = w.guidance_dim;
  std::vector<double> hidden(usize(k));
  for (Index y = row_begin; y < row_end; ++y)
    for (Index x = 0; x < plane; ++x) {
      const real* guidance = l.guidance + (y * l.width + reflect(x - w.radius, l.width)) * g;
      real* keys = l.keys + (y - l.key_row0) * (planes + g) * plane + x;
      for (Index o = 0; o < k; ++o) {
        double total = w.key0_bias[o];
        for (Index i = 0; i < g; ++i) total += double(w.key0[i * k + o]) * guidance[i];
        hidden[usize(o)] = gelu(total);
      }
      for (Index o = 0; o < planes; ++o) {
        double total = 0;
        for (Index i = 0; i < k; ++i) total += double(w.key3[i * planes + o]) * hidden[usize(i)];
        keys[o * plane] = static_cast<real>(total);
      }
      for (Index i = 0; i < g; ++i) keys[(planes + i) * plane] = guidance[i];
    }
}

void jbu_kernel_rows_ref(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const Index d = 2 * l.weights.radius + 1;
  for (Index y = row_begin; y < row_end; ++y)
    for (Index x = 0; x < l.width; ++x) {
      const auto kernel = pixel_kernel(l, y, x);
      for (Index t = 0; t < d * d; ++t) l.kernels[(y * l.width + x) * d * d + t] = static_cast<real>(kernel[usize(t)]);
    }
}

void jbu_rows_ref(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const Index d = 2 * l.weights.radius + 1, source_w = l.width / 2;
  for (Index y = row_begin; y < row_end; ++y)
    for (Index x = 0; x < l.width; ++x) {
      const auto kernel = pixel_kernel(l, y, x);
      for (Index c = 0; c < l.channels; ++c) {
        double total = 0;
        for (Index u = 0; u < d; ++u)
          for (Index v = 0; v < d; ++v)
            for (Index i = 0; i < 4; ++i)
              for (Index j = 0; j < 4; ++j) {
                const double weight = double(l.row_weight[4 * (y + u) + i]) * double(l.col_weight[4 * (x + v) + j]);
                if (weight == 0) continue;
                const Index row = l.row_first[y + u] + i - l.source_row0, col = l.col_first[x + v] + j;
                total += kernel[usize(u * d + v)] * weight * l.source[(row * source_w + col) * l.channels + c];
              }
        l.out[((y - l.out_row0) * l.width + x) * l.channels + c] = static_cast<real>(total);
      }
    }
}

}  // namespace fu
