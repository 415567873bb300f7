// Definitions of functions of one element, and of arithmetic of two.
#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

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
    case Unary::quick_gelu: return quick_gelu(x);
    case Unary::tanh_gelu: return tanh_gelu(x);
    case Unary::silu: return silu(x);
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

/// s: y = f(x) where saves_output(op), else x.
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
      const double p1 = sigmoid(1.702 * s);
      return p1 * (1 + 1.702 * s * (1 - p1));
    }
    case Unary::tanh_gelu: {
      const double c = std::sqrt(2 / pi), t = std::tanh(c * (s + 0.044715 * s * s * s));
      return 0.5 * (1 + t) + 0.5 * s * (1 - t * t) * c * (1 + 3 * 0.044715 * s * s);
    }
    case Unary::silu: return sigmoid(s) * (1 + s * (1 - sigmoid(s)));
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

void unary_ref(Unary op, const real* x, real* y, Index n, real p, real q) {
  for (Index i = 0; i < n; ++i) y[i] = static_cast<real>(apply(op, x[i], p, q));
}

void unary_backward_ref(Unary op, const real* s, const real* dy, real* dx, Index n, real p) {
  for (Index i = 0; i < n; ++i)
    dx[i] = static_cast<real>(double(dy[i]) * derivative(op, op == Unary::affine ? 0 : double(s[i]), double(p)));
}

void sin_cos_columns_ref(real* x, const real* kind, real* derivatives, Index rows, Index columns) {
  for (Index i = 0; i < rows * columns; ++i) {
    const double at = double(x[i]);
    const real k = kind[i % columns];
    if (derivatives) derivatives[i] = static_cast<real>(k < 0 ? 0 : k > 0 ? -std::sin(at) : std::cos(at));
    if (k >= 0) x[i] = static_cast<real>(k > 0 ? std::cos(at) : std::sin(at));
  }
}

void binary_ref(Binary op, const real* a, Index a_step, const real* b, Index b_step, real* y, Index n) {
  for (Index i = 0; i < n; ++i) {
    const real u = a[i * a_step], v = b[i * b_step];
    y[i] = op == Binary::add ? u + v : op == Binary::sub ? u - v : op == Binary::mul ? u * v : u / v;
  }
}

}  // namespace fu
