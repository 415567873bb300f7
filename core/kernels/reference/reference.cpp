// The definition of every kernel: plain loops, sums in double, one thread. FU_ISA=reference runs the whole program on
// them; the tests compare every instruction set with them.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activate(double x, Activation a) {
  switch (a) {
    case Activation::none: return x;
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::gelu: return gelu(x);
    case Activation::quick_gelu: return x * sigmoid(1.702 * x);
  }
  return x;
}

double apply(Unary op, double x, double p, double q) {
  switch (op) {
    case Unary::exp: return std::exp(x);
    case Unary::log: return std::log(x);
    case Unary::sin: return std::sin(x);
    case Unary::cos: return std::cos(x);
    case Unary::sqrt: return std::sqrt(x);
    case Unary::square: return x * x;
    case Unary::reciprocal: return 1 / x;
    case Unary::relu: return x > 0 ? x : (x == x ? 0 : x);
    case Unary::gelu: return gelu(x);
    case Unary::quick_gelu: return x * sigmoid(1.702 * x);
    case Unary::sigmoid: return sigmoid(x);
    case Unary::tanh: return std::tanh(x);
    case Unary::erf: return std::erf(x);
    case Unary::abs: return std::abs(x);
    case Unary::clamp_min: return x < p ? p : x;
    case Unary::clamp_max: return x > p ? p : x;
    case Unary::affine: return x * p + q;
  }
  return x;
}

}  // namespace

void unary_ref(Unary op, const real* x, real* y, Index n, real p, real q) {
  for (Index i = 0; i < n; ++i) y[i] = static_cast<real>(apply(op, x[i], p, q));
}

void binary_ref(Binary op, const real* a, Index a_step, const real* b, Index b_step, real* y, Index n) {
  for (Index i = 0; i < n; ++i) {
    const real u = a[i * a_step], v = b[i * b_step];
    y[i] = op == Binary::add ? u + v : op == Binary::sub ? u - v : op == Binary::mul ? u * v : u / v;
  }
}

void sum_axis_ref(const real* x, real* y, Index outer, Index n, Index inner) {
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < inner; ++c) {
      double total = 0;
      for (Index i = 0; i < n; ++i) total += x[(o * n + i) * inner + c];
      y[o * inner + c] = static_cast<real>(total);
    }
}

void min_max_ref(const real* x, real* lo, real* hi, Index n, Index inner) {
  for (Index c = 0; c < inner; ++c) {
    lo[c] = hi[c] = x[c];
    for (Index i = 1; i < n; ++i) {
      lo[c] = std::min(lo[c], x[i * inner + c]);
      hi[c] = std::max(hi[c], x[i * inner + c]);
    }
  }
}

void softmax_ref(const real* x, real* y, Index outer, Index n, Index inner, real scale) {
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < inner; ++c) {
      const Index base = o * n * inner + c;
      double top = -INFINITY, total = 0;
      for (Index i = 0; i < n; ++i) top = std::max(top, double(scale) * x[base + i * inner]);
      std::vector<double> e(static_cast<std::size_t>(n));
      for (Index i = 0; i < n; ++i)
        total += e[static_cast<std::size_t>(i)] = std::exp(double(scale) * x[base + i * inner] - top);
      for (Index i = 0; i < n; ++i) y[base + i * inner] = static_cast<real>(e[static_cast<std::size_t>(i)] / total);
    }
}

void layer_norm_ref(const real* x, const real* weight, const real* bias, real* y, Index rows, Index c, real eps) {
  for (Index r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (Index i = 0; i < c; ++i) mean += x[r * c + i];
    mean /= static_cast<double>(c);
    for (Index i = 0; i < c; ++i) variance += (x[r * c + i] - mean) * (x[r * c + i] - mean);
    variance /= static_cast<double>(c);
    for (Index i = 0; i < c; ++i)
      y[r * c + i] = static_cast<real>((x[r * c + i] - mean) / std::sqrt(variance + double(eps)) * weight[i] + bias[i]);
  }
}

// Packing is a plain copy here.
Index gemm_packed_size_ref(Index k, Index n) { return k * n; }
void gemm_pack_ref(const real* b, Index b_row, Index b_col, Index k, Index n, real* packed) {
  for (Index p = 0; p < k; ++p)
    for (Index j = 0; j < n; ++j) packed[p * n + j] = b[p * b_row + j * b_col];
}
Index gemm_scratch_ref(const GemmArgs&) { return 0; }
void gemm_ref(const GemmArgs& g) {
  for (Index i = 0; i < g.m; ++i)
    for (Index j = 0; j < g.n; ++j) {
      double total = g.accumulate ? g.c[i * g.ldc + j] : 0;
      for (Index p = 0; p < g.k; ++p)
        total += double(g.a[i * g.a_row + p * g.a_col]) *
                 double(g.packed_b ? g.packed_b[p * g.n + j] : g.b[p * g.b_row + j * g.b_col]);
      g.c[i * g.ldc + j] = static_cast<real>(activate(total + (g.bias ? g.bias[j] : 0), g.activation));
    }
}

Index attention_scratch_ref(const AttentionArgs&) { return 0; }
void attention_ref(const AttentionArgs& a) {
  const Index width = a.heads * a.head_dim;
  std::vector<double> score(static_cast<std::size_t>(a.tokens));
  for (Index b = 0; b < a.batch; ++b)
    for (Index h = 0; h < a.heads; ++h)
      for (Index i = 0; i < a.tokens; ++i) {
        const auto at = [&](Index token, Index which, Index p) {
          return double(a.qkv[((b * a.tokens + token) * 3 + which) * width + h * a.head_dim + p]);
        };
        double top = -INFINITY, total = 0;
        for (Index j = 0; j < a.tokens; ++j) {
          double dot = 0;
          for (Index p = 0; p < a.head_dim; ++p) dot += at(i, 0, p) * at(j, 1, p);
          top = std::max(top, score[static_cast<std::size_t>(j)] = dot * double(a.scale));
        }
        for (double& s : score) total += s = std::exp(s - top);
        for (Index p = 0; p < a.head_dim; ++p) {
          double sum = 0;
          for (Index j = 0; j < a.tokens; ++j) sum += score[static_cast<std::size_t>(j)] * at(j, 2, p);
          a.y[(b * a.tokens + i) * width + h * a.head_dim + p] = static_cast<real>(sum / total);
        }
      }
}

void im2col_ref(const real* x, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad, Index row_begin,
                Index row_end, real* patches) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1;
  for (Index row = row_begin; row < row_end; ++row)
    for (Index j = 0; j < wo; ++j)
      for (Index u = 0; u < kh; ++u)
        for (Index v = 0; v < kw; ++v)
          for (Index t = 0; t < c; ++t) {
            const Index y = row % ho * stride + u - pad, q = j * stride + v - pad;
            *patches++ = y >= 0 && y < h && q >= 0 && q < w ? x[((row / ho * h + y) * w + q) * c + t] : 0;
          }
}

void resample_axis_ref(const real* x, real* y, Index outer, Index inner, const AxisRows& map) {
  for (Index o = 0; o < outer; ++o)
    for (Index i = 0; i < map.n_out; ++i)
      for (Index c = 0; c < inner; ++c) {
        double total = 0;
        for (Index e = map.offset[i]; e < map.offset[i + 1]; ++e)
          total += double(map.weight[e]) * x[(o * map.n_in + map.index[e]) * inner + c];
        y[(o * map.n_out + i) * inner + c] = static_cast<real>(total);
      }
}

namespace {

/// One line of n pixels, `step` pixels apart, in doubles.
void sweep_ref(real* x, const LineSweep& line, Index first, Index step, Index n, Index c) {
  for (Index t = 0; t < c; ++t) {
    std::vector<double> z(static_cast<std::size_t>(n));
    const auto at = [](Index i) { return static_cast<std::size_t>(i); };
    for (Index i = 0; i < n; ++i) {
      const Index p = first + i * step;
      z[at(i)] = double(line.own[p]) * x[p * c + t] + (i > 0 ? line.past[p] * z[at(i - 1)] : 0);
    }
    for (Index i = n - 2; i >= 0; --i) z[at(i)] += line.next[first + i * step] * z[at(i + 1)];
    for (Index i = 0; i < n; ++i) x[(first + i * step) * c + t] = static_cast<real>(z[at(i)]);
  }
}

}  // namespace

void smooth_rows_ref(real* x, const LineSweep& line, Index h, Index w, Index c) {
  for (Index i = 0; i < h; ++i) sweep_ref(x, line, i * w, 1, w, c);
}

void smooth_columns_ref(real* x, const LineSweep& line, Index h, Index w, Index c) {
  for (Index j = 0; j < w; ++j) sweep_ref(x, line, j, w, h, c);
}

void adaptive_conv_ref(const real* x, const real* k, real* y, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1;
  for (Index row = 0; row < b * h; ++row)
    for (Index j = 0; j < w; ++j)
      for (Index t = 0; t < c; ++t) {
        double total = 0;
        for (Index u = 0; u < d; ++u)
          for (Index v = 0; v < d; ++v)
            total += double(k[((row * w + j) * d + u) * d + v]) *
                     x[((row / h * h + reflect(row % h + u - radius, h)) * w + reflect(j + v - radius, w)) * c + t];
        y[(row * w + j) * c + t] = static_cast<real>(total);
      }
}

void gather_rows_ref(const real* x, const std::int32_t* index, const real* weight, Index taps, real* y, Index n,
                     Index c) {
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < c; ++k) {
      double total = 0;
      for (Index t = i * taps; t < (i + 1) * taps; ++t) total += double(weight[t]) * x[index[t] * c + k];
      y[i * c + k] = static_cast<real>(total);
    }
}

// Keys are stored as planes of a row, (jbu_key_planes + guidance_dim, width + 2 radius).
static Index key_plane(const JbuLevelArgs& l) { return l.width + 2 * l.weights.radius; }
Index jbu_key_row_ref(const JbuLevelArgs& l) {
  return (jbu_key_planes(l.weights) + l.weights.guidance_dim) * key_plane(l);
}
Index jbu_scratch_ref(const JbuLevelArgs&) { return 0; }
Index jbu_col_fold_size_ref(const JbuLevelArgs&) { return 0; }
void jbu_col_fold_ref(const JbuLevelArgs&) {}

void jbu_keys_ref(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const JbuWeights& w = l.weights;
  const Index plane = key_plane(l), k = w.key_dim, planes = jbu_key_planes(w), g = w.guidance_dim;
  std::vector<double> hidden(static_cast<std::size_t>(k));
  for (Index y = row_begin; y < row_end; ++y)
    for (Index x = 0; x < plane; ++x) {
      const real* guidance = l.guidance + (y * l.width + reflect(x - w.radius, l.width)) * g;
      real* keys = l.keys + (y - l.key_row0) * (planes + g) * plane + x;
      for (Index o = 0; o < k; ++o) {
        double total = w.key0_bias[o];
        for (Index i = 0; i < g; ++i) total += double(w.key0[i * k + o]) * guidance[i];
        hidden[static_cast<std::size_t>(o)] = gelu(total);
      }
      for (Index o = 0; o < planes; ++o) {
        double total = 0;
        for (Index i = 0; i < k; ++i) total += double(w.key3[i * planes + o]) * hidden[static_cast<std::size_t>(i)];
        keys[o * plane] = static_cast<real>(total);
      }
      for (Index i = 0; i < g; ++i) keys[(planes + i) * plane] = guidance[i];
    }
}

static std::vector<double> pixel_kernel(const JbuLevelArgs& l, Index y, Index x) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, d = 2 * r + 1, n = d * d, plane = key_plane(l), k = w.key_dim, planes = jbu_key_planes(w),
              g = w.guidance_dim;
  const auto key = [&](Index row, Index col, Index c) {
    return double(l.keys[((reflect(row, l.height) - l.key_row0) * (planes + g) + c) * plane + col + r]);
  };
  std::vector<double> kernel(static_cast<std::size_t>(n + g)), hidden(static_cast<std::size_t>(n));
  double top = -INFINITY, total = 0, sum = 0;
  for (Index t = 0; t < n; ++t) {
    double dot = key(y + t / d - r, x + t % d - r, k);  // the pixel's own is the same for all
    for (Index c = 0; c < k; ++c) dot += key(y, x, c) * key(y + t / d - r, x + t % d - r, c);
    top = std::max(top, kernel[static_cast<std::size_t>(t)] = dot * double(w.temperature));
  }
  for (Index t = 0; t < n; ++t)
    total += kernel[static_cast<std::size_t>(t)] = std::exp(kernel[static_cast<std::size_t>(t)] - top);
  for (Index t = 0; t < n; ++t) sum += kernel[static_cast<std::size_t>(t)] *= double(w.spatial[t]) / total;
  for (Index t = 0; t < n; ++t) kernel[static_cast<std::size_t>(t)] /= std::max(sum, 1e-7);
  for (Index i = 0; i < g; ++i) kernel[static_cast<std::size_t>(n + i)] = key(y, x, planes + i);
  for (Index o = 0; o < n; ++o) {
    double v = w.fix0_bias[o];
    for (Index i = 0; i < n + g; ++i) v += double(w.fix0[i * n + o]) * kernel[static_cast<std::size_t>(i)];
    hidden[static_cast<std::size_t>(o)] = gelu(v);
  }
  for (Index o = 0; o < n; ++o) {
    double v = w.fix3_bias[o];
    for (Index i = 0; i < n; ++i) v += double(w.fix3[i * n + o]) * hidden[static_cast<std::size_t>(i)];
    kernel[static_cast<std::size_t>(o)] += v;
  }
  return kernel;
}

void jbu_kernel_rows_ref(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const Index d = 2 * l.weights.radius + 1;
  for (Index y = row_begin; y < row_end; ++y)
    for (Index x = 0; x < l.width; ++x) {
      const auto kernel = pixel_kernel(l, y, x);
      for (Index t = 0; t < d * d; ++t)
        l.kernels[(y * l.width + x) * d * d + t] = static_cast<real>(kernel[static_cast<std::size_t>(t)]);
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
                total += kernel[static_cast<std::size_t>(u * d + v)] * weight *
                         l.source[(row * source_w + col) * l.channels + c];
              }
        l.out[((y - l.out_row0) * l.width + x) * l.channels + c] = static_cast<real>(total);
      }
    }
}

real fma_peak_ref(Index rounds) {
  volatile real total = 1;
  for (Index r = 0; r < 10 * rounds; ++r) total = total * static_cast<real>(0.9999) + static_cast<real>(1e-4);
  return total;
}

const Kernels& kernels_reference() {
  static const Kernels table = {
    "reference",
    1,
#define FU_KERNEL(result, name, arguments) name##_ref,
#include "core/kernels/kernels.def"
#undef FU_KERNEL
  };
  return table;
}

}  // namespace fu
