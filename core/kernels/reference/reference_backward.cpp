// The definition of the kernels that training adds: plain loops, sums in double, one thread.
#include <cmath>
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

double derivative(Unary op, double s, double p) {
  const double pi = 3.14159265358979323846;
  switch (op) {
    case Unary::exp: return s;
    case Unary::log: return 1 / s;
    case Unary::sin: return std::cos(s);
    case Unary::cos: return -std::sin(s);
    case Unary::sqrt: return 0.5 / s;
    case Unary::square: return 2 * s;
    case Unary::reciprocal: return -s * s;
    case Unary::relu: return s > 0 ? 1 : 0;
    case Unary::gelu: return 0.5 * (1 + std::erf(s / std::sqrt(2.0))) + s * std::exp(-s * s / 2) / std::sqrt(2 * pi);
    case Unary::quick_gelu: {
      const double sigmoid = 1 / (1 + std::exp(-1.702 * s));
      return sigmoid * (1 + 1.702 * s * (1 - sigmoid));
    }
    case Unary::sigmoid: return s * (1 - s);
    case Unary::tanh: return 1 - s * s;
    case Unary::erf: return 2 / std::sqrt(pi) * std::exp(-s * s);
    case Unary::abs: return s > 0 ? 1 : s < 0 ? -1 : 0;
    case Unary::clamp_min: return s >= p ? 1 : 0;
    case Unary::clamp_max: return s <= p ? 1 : 0;
    case Unary::affine: return p;
  }
  return 0;
}

}  // namespace

void unary_backward_ref(Unary op, const real* s, const real* dy, real* dx, Index n, real p) {
  for (Index i = 0; i < n; ++i)
    dx[i] = static_cast<real>(double(dy[i]) * derivative(op, op == Unary::affine ? 0 : double(s[i]), double(p)));
}

void waves_ref(real* x, const real* turn, real* slopes, Index rows, Index columns) {
  for (Index i = 0; i < rows * columns; ++i) {
    const double at = double(x[i]);
    const real t = turn[i % columns];
    if (slopes) slopes[i] = static_cast<real>(t < 0 ? 0 : t > 0 ? -std::sin(at) : std::cos(at));
    if (t >= 0) x[i] = static_cast<real>(t > 0 ? std::cos(at) : std::sin(at));
  }
}

void softmax_backward_ref(const real* y, const real* dy, real* dx, Index outer, Index n, Index inner, real scale) {
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < inner; ++c) {
      double dot = 0;
      const auto at = [&](Index i) { return (o * n + i) * inner + c; };
      for (Index i = 0; i < n; ++i) dot += double(y[at(i)]) * double(dy[at(i)]);
      for (Index i = 0; i < n; ++i)
        dx[at(i)] = static_cast<real>(double(scale) * double(y[at(i)]) * (double(dy[at(i)]) - dot));
    }
}

Index layer_norm_scratch_ref(Index, Index) { return 0; }
void layer_norm_backward_ref(const real* x, const real* weight, const real* dy, real* dx, real* dweight, real* dbias,
                             Index rows, Index c, real eps, real*) {
  std::vector<double> weight_sum(static_cast<std::size_t>(c)), bias_sum(weight_sum), normal(weight_sum);
  const double n = static_cast<double>(c);
  for (Index r = 0; r < rows; ++r) {
    double mean = 0, variance = 0, h_mean = 0, hx_mean = 0;
    for (Index i = 0; i < c; ++i) mean += double(x[r * c + i]) / n;
    for (Index i = 0; i < c; ++i) variance += (double(x[r * c + i]) - mean) * (double(x[r * c + i]) - mean) / n;
    const double scale = 1 / std::sqrt(variance + double(eps));
    for (Index i = 0; i < c; ++i) {
      const auto u = static_cast<std::size_t>(i);
      const double d = double(dy[r * c + i]), h = d * double(weight[i]);
      normal[u] = (double(x[r * c + i]) - mean) * scale;
      h_mean += h / n;
      hx_mean += h * normal[u] / n;
      weight_sum[u] += d * normal[u];
      bias_sum[u] += d;
    }
    for (Index i = 0; dx && i < c; ++i)
      dx[r * c + i] = static_cast<real>(
          scale * (double(dy[r * c + i]) * double(weight[i]) - h_mean - normal[static_cast<std::size_t>(i)] * hx_mean));
  }
  for (Index i = 0; i < c; ++i) {
    if (dweight) dweight[i] = static_cast<real>(weight_sum[static_cast<std::size_t>(i)]);
    if (dbias) dbias[i] = static_cast<real>(bias_sum[static_cast<std::size_t>(i)]);
  }
}

Index attention_backward_scratch_ref(const AttentionArgs&) { return 0; }
void attention_backward_ref(const AttentionArgs& a) {
  const Index width = a.heads * a.head_dim, n = a.tokens;
  std::vector<double> sum(static_cast<std::size_t>(n * 3 * width));
  std::vector<double> p(static_cast<std::size_t>(n)), dp(p);
  for (Index b = 0; b < a.batch; ++b) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (Index h = 0; h < a.heads; ++h)
      for (Index i = 0; i < n; ++i) {
        const auto index = [&](Index token, Index which, Index t) {
          return (token * 3 + which) * width + h * a.head_dim + t;
        };
        const auto at = [&](Index token, Index which, Index t) {
          return double(a.qkv[b * n * 3 * width + index(token, which, t)]);
        };
        const auto dy = [&](Index t) { return double(a.dy[(b * n + i) * width + h * a.head_dim + t]); };
        double top = -INFINITY, total = 0, dot = 0;
        for (Index j = 0; j < n; ++j) {
          double score = 0, grad = 0;
          for (Index t = 0; t < a.head_dim; ++t) score += at(i, 0, t) * at(j, 1, t), grad += dy(t) * at(j, 2, t);
          p[static_cast<std::size_t>(j)] = score * double(a.scale);
          dp[static_cast<std::size_t>(j)] = grad;
          top = std::max(top, score * double(a.scale));
        }
        for (double& s : p) total += s = std::exp(s - top);
        for (Index j = 0; j < n; ++j)
          dot += (p[static_cast<std::size_t>(j)] /= total) * dp[static_cast<std::size_t>(j)];
        for (Index j = 0; j < n; ++j) {
          const double pj = p[static_cast<std::size_t>(j)],
                       ds = double(a.scale) * pj * (dp[static_cast<std::size_t>(j)] - dot);
          for (Index t = 0; t < a.head_dim; ++t) {
            sum[static_cast<std::size_t>(index(i, 0, t))] += ds * at(j, 1, t);
            sum[static_cast<std::size_t>(index(j, 1, t))] += ds * at(i, 0, t);
            sum[static_cast<std::size_t>(index(j, 2, t))] += pj * dy(t);
          }
        }
      }
    for (std::size_t i = 0; i < sum.size(); ++i)
      a.dqkv[b * n * 3 * width + static_cast<Index>(i)] = static_cast<real>(sum[i]);
  }
}

void col2im_ref(const real* patches, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad,
                Index row_begin, Index row_end, real* dx) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1;
  for (Index row = row_begin; row < row_end; ++row)
    for (Index j = 0; j < wo; ++j)
      for (Index u = 0; u < kh; ++u)
        for (Index v = 0; v < kw; ++v)
          for (Index t = 0; t < c; ++t, ++patches) {
            const Index y = row % ho * stride + u - pad, q = j * stride + v - pad;
            if (y >= 0 && y < h && q >= 0 && q < w) dx[((row / ho * h + y) * w + q) * c + t] += *patches;
          }
}

void adaptive_conv_backward_input_ref(const real* k, const real* dy, real* dx, Index b, Index h, Index w, Index c,
                                      Index radius) {
  const Index d = 2 * radius + 1;
  std::vector<double> sum(static_cast<std::size_t>(b * h * w * c));
  for (Index row = 0; row < b * h; ++row)
    for (Index j = 0; j < w; ++j)
      for (Index u = 0; u < d; ++u)
        for (Index v = 0; v < d; ++v) {
          const Index to = (row / h * h + reflect(row % h + u - radius, h)) * w + reflect(j + v - radius, w);
          for (Index t = 0; t < c; ++t)
            sum[static_cast<std::size_t>(to * c + t)] +=
                double(k[((row * w + j) * d + u) * d + v]) * double(dy[(row * w + j) * c + t]);
        }
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<real>(sum[i]);
}

void adaptive_conv_backward_kernels_ref(const real* x, const real* dy, real* dk, Index b, Index h, Index w, Index c,
                                        Index radius) {
  const Index d = 2 * radius + 1;
  for (Index row = 0; row < b * h; ++row)
    for (Index j = 0; j < w; ++j)
      for (Index u = 0; u < d; ++u)
        for (Index v = 0; v < d; ++v) {
          const Index from = (row / h * h + reflect(row % h + u - radius, h)) * w + reflect(j + v - radius, w);
          double dot = 0;
          for (Index t = 0; t < c; ++t) dot += double(dy[(row * w + j) * c + t]) * double(x[from * c + t]);
          dk[((row * w + j) * d + u) * d + v] = static_cast<real>(dot);
        }
}

namespace {

/// Calls f(rectangle, place of its weight, pixel) for everything that rectangles cover.
template <class F>
void each_place(const RectangleArgs& g, const F& f) {
  for (Index n = 0; n < g.count; ++n) {
    const Rectangle& r = g.items[n];
    for (Index i = 0; i < r.rows; ++i)
      for (Index j = 0; j < r.cols; ++j)
        f(n, r.weights + i * r.cols + j, (r.image * g.h + r.top + i) * g.w + r.left + j);
  }
}

}  // namespace

Index rectangle_scratch_ref(const RectangleArgs&) { return 0; }

void rectangle_sums_ref(const real* x, const real* weights, real* y, const RectangleArgs& g) {
  std::vector<double> sum(static_cast<std::size_t>(g.count * g.c));
  each_place(g, [&](Index n, Index at, Index pixel) {
    for (Index i = 0; i < g.c; ++i)
      sum[static_cast<std::size_t>(n * g.c + i)] += double(weights[at]) * double(x[pixel * g.c + i]);
  });
  for (std::size_t i = 0; i < sum.size(); ++i) y[i] = static_cast<real>(sum[i]);
}

void rectangle_sums_backward_input_ref(const real* weights, const real* dy, real* dx, bool accumulate,
                                       const RectangleArgs& g) {
  std::vector<double> sum(static_cast<std::size_t>(g.batch * g.h * g.w * g.c));
  each_place(g, [&](Index n, Index at, Index pixel) {
    for (Index i = 0; i < g.c; ++i)
      sum[static_cast<std::size_t>(pixel * g.c + i)] += double(weights[at]) * double(dy[n * g.c + i]);
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<real>(sum[i] + (accumulate ? double(dx[i]) : 0));
}

void rectangle_products_ref(const real* x, const real* v, real* products, const RectangleArgs& g) {
  each_place(g, [&](Index n, Index at, Index pixel) {
    double dot = 0;
    for (Index i = 0; i < g.c; ++i) dot += double(v[n * g.c + i]) * double(x[pixel * g.c + i]);
    products[at] = static_cast<real>(dot);
  });
}

void normalize_rows_ref(const real* x, real* y, real* scales, Index rows, Index c, real eps) {
  for (Index r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (Index i = 0; i < c; ++i) mean += double(x[r * c + i]) / double(c);
    for (Index i = 0; i < c; ++i) variance += (double(x[r * c + i]) - mean) * (double(x[r * c + i]) - mean) / double(c);
    const double scale = 1 / std::sqrt(variance + double(eps));
    if (scales) scales[r] = static_cast<real>(scale);
    for (Index i = 0; i < c; ++i) y[r * c + i] = static_cast<real>((double(x[r * c + i]) - mean) * scale);
  }
}

void normalize_rows_backward_ref(const real* y, const real* scales, const real* dy, Index given, real* dx,
                                 const real* active, const real* slopes, real* sums, Index rows, Index c) {
  for (Index r = 0; r < rows; ++r) {
    const auto grad = [&](Index i) { return i < given ? double(dy[r * c + i]) : 0; };
    double mean = 0, along = 0;
    for (Index i = 0; i < c; ++i) mean += grad(i) / double(c), along += grad(i) * double(y[r * c + i]) / double(c);
    for (Index i = 0; i < c; ++i) {
      const double d = double(scales[r]) * (grad(i) - mean - double(y[r * c + i]) * along);
      if (slopes)
        sums[i] += static_cast<real>(d * double(slopes[r * c + i]));
      else
        dx[r * c + i] = active && !(active[r * c + i] > 0) ? 0 : static_cast<real>(d);
    }
  }
}

void readings_ref(const real* x, const real* v, real* y, Index rows, Index c) {
  for (Index r = 0; r < rows; ++r) {
    double squares = 0, product = 0, terms = 0;
    for (Index i = 0; i < c; ++i) {
      const double in = double(x[r * c + i]), term = in * double(v[i]);
      squares += in * in, product += term, terms += term * term;
    }
    y[3 * r] = static_cast<real>(std::sqrt(squares)), y[3 * r + 1] = static_cast<real>(product),
          y[3 * r + 2] = static_cast<real>(terms);
  }
}

Index readings_scratch_ref(Index, Index) { return 0; }
void readings_backward_ref(const real* x, const real* v, const real* y, const real* dy, real* dx, bool accumulate,
                           real* dv, Index rows, Index c, real*) {
  for (Index i = 0; i < c; ++i) {
    double sum = 0;
    for (Index r = 0; r < rows; ++r) {
      const double in = double(x[r * c + i]), w = double(v[i]), product = double(dy[3 * r + 1]),
                   terms = 2 * double(dy[3 * r + 2]);
      sum += in * (product + terms * in * w);
      const double length = y[3 * r] > 0 ? double(dy[3 * r]) * in / double(y[3 * r]) : 0;
      if (dx)
        dx[r * c + i] =
            static_cast<real>((accumulate ? double(dx[r * c + i]) : 0) + length + product * w + terms * in * w * w);
    }
    if (dv) dv[i] = static_cast<real>(sum);
  }
}

void map_rows_ref(const AxisRows& map, Index start, Index n, Index first, const real* x, Index ldx, real* y, Index ldy,
                  Index columns, bool transposed) {
  for (Index u = 0; u < n; ++u)
    for (Index c = 0; c < columns; ++c) {
      double total = 0;
      for (Index e = map.offset[start + u]; e < map.offset[start + u + 1]; ++e) {
        const Index at = map.index[e] - first;
        if (transposed)
          y[at * ldy + c] += map.weight[e] * x[u * ldx + c];
        else
          total += double(map.weight[e]) * double(x[at * ldx + c]);
      }
      if (!transposed) y[u * ldy + c] = static_cast<real>(total);
    }
}

namespace {
double salience(const PoolingAttentionArgs& g, Index r, Index i) {
  const double keep = g.keep ? double(g.keep[r]) : 1;
  if (keep == 0) return 0;
  return keep * (double(g.saliency[r * g.n + i]) + double(g.bias) +
                 (g.deviation ? double(g.deviation[r * g.n + i]) * double(g.noise[r * g.n + i]) : 0));
}
}  // namespace

void pooling_attention_ref(const PoolingAttentionArgs& g, real* y) {
  for (Index r = 0; r < g.rows; ++r)
    for (Index i = 0; i < g.n; ++i)
      y[r * g.n + i] = static_cast<real>(salience(g, r, i) * double(g.w[i]) + double(g.b[i]));
  softmax_ref(y, y, g.rows, g.n, 1, 1);
}

Index pooling_attention_scratch_ref(const PoolingAttentionArgs&) { return 0; }
void pooling_attention_backward_ref(const PoolingAttentionArgs& g, const real* y, const real* dy, real* dsaliency,
                                    real* ddeviation, real* dw, real* db, real* dbias, real*) {
  std::vector<double> w_sum(static_cast<std::size_t>(g.n)), b_sum(static_cast<std::size_t>(g.n));
  double bias_sum = 0;
  for (Index r = 0; r < g.rows; ++r) {
    const real *out = y + r * g.n, *grad = dy + r * g.n;
    double dot = 0, ones = 0;
    for (Index i = 0; i < g.n; ++i) dot += double(out[i]) * double(grad[i]), ones += double(out[i]);
    dot /= ones;  // 1 but for rounding
    for (Index i = 0; i < g.n; ++i) {
      const double dx = double(out[i]) * (double(grad[i]) - dot),
                   ds = dx * double(g.w[i]) * (g.keep ? double(g.keep[r]) : 1);
      w_sum[static_cast<std::size_t>(i)] += dx * salience(g, r, i), b_sum[static_cast<std::size_t>(i)] += dx,
          bias_sum += ds;
      dsaliency[r * g.n + i] = static_cast<real>(ds);
      if (ddeviation)
        ddeviation[r * g.n + i] = g.keep && g.keep[r] == 0 ? 0 : static_cast<real>(ds * double(g.noise[r * g.n + i]));
    }
  }
  for (Index i = 0; i < g.n; ++i)
    dw[i] = static_cast<real>(w_sum[static_cast<std::size_t>(i)]),
    db[i] = static_cast<real>(b_sum[static_cast<std::size_t>(i)]);
  *dbias = static_cast<real>(bias_sum);
}

void sgd_step_ref(real* p, const real* g, real* velocity, Index n, real lr, real momentum, real weight_decay) {
  for (Index i = 0; i < n; ++i) {
    velocity[i] = momentum * velocity[i] + g[i] + weight_decay * p[i];
    p[i] -= lr * velocity[i];
  }
}

void adam_step_ref(real* p, const real* g, real* mean, real* square, Index n, const AdamArgs& a) {
  for (Index i = 0; i < n; ++i) {
    const real at = p[i] * a.keep, grad = g[i] + a.weight_decay * at;
    mean[i] = a.beta1 * mean[i] + (1 - a.beta1) * grad;
    square[i] = a.beta2 * square[i] + (1 - a.beta2) * grad * grad;
    p[i] = at - (a.from_mean * mean[i] + a.from_gradient * grad) / (std::sqrt(square[i] * a.unbias) + a.eps);
  }
}

}  // namespace fu
