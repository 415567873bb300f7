// Functions of one element, and arithmetic of two.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kGrain = 1 << 14;  // elements of a task: so many that starting it costs little

template <class F>
void map(const real* x, real* y, Index n, F f) {
  parallel_ranges(n, kGrain, [&](Index begin, Index end) {
    Index i = begin;
    for (; i + kLanes <= end; i += kLanes) store(y + i, f(load(x + i)));
    if (i < end) store_n(y + i, f(load_n(x + i, end - i)), end - i);
  });
}

template <class F>
void zip(const real* a, Index a_step, const real* b, Index b_step, real* y, Index n, F f) {
  const Vec a0 = n > 0 ? splat(a[0]) : Vec{}, b0 = n > 0 ? splat(b[0]) : Vec{};
  for (Index i = 0; i < n; i += kLanes) {
    const Index left = n - i;
    store_n(y + i, f(a_step ? load_n(a + i, left) : a0, b_step ? load_n(b + i, left) : b0), left);
  }
}

template <class F>
void map_backward(const real* s, const real* dy, real* dx, Index n, F derivative) {
  parallel_ranges(n, kGrain, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += kLanes)
      store_n(dx + i, load_n(dy + i, end - i) * derivative(load_n(s + i, end - i)), end - i);
  });
}

constexpr real kInvSqrt2 = static_cast<real>(0.70710678118654752440),
               kInvSqrt2Pi = static_cast<real>(0.39894228040143267794);
constexpr real kTwoInvSqrtPi = static_cast<real>(1.12837916709551257390);

}  // namespace

void unary(Unary op, const real* x, real* y, Index n, real p, real q) {
  switch (op) {
    case Unary::exp: return map(x, y, n, [](Vec v) { return vexp(v); });
    case Unary::log: return map(x, y, n, [](Vec v) { return vlog(v); });
    case Unary::sin: return map(x, y, n, [](Vec v) { return vsin(v); });
    case Unary::cos: return map(x, y, n, [](Vec v) { return vcos(v); });
    case Unary::sqrt: return map(x, y, n, [](Vec v) { return vsqrt(v); });
    case Unary::square: return map(x, y, n, [](Vec v) { return v * v; });
    case Unary::reciprocal: return map(x, y, n, [](Vec v) { return 1 / v; });
    case Unary::relu: return map(x, y, n, [](Vec v) { return vrelu(v); });
    case Unary::gelu: return map(x, y, n, [](Vec v) { return vgelu(v); });
    case Unary::quick_gelu: return map(x, y, n, [](Vec v) { return vquick_gelu(v); });
    case Unary::tanh_gelu: return map(x, y, n, [](Vec v) { return vtanh_gelu(v); });
    case Unary::silu: return map(x, y, n, [](Vec v) { return vsilu(v); });
    case Unary::sigmoid: return map(x, y, n, [](Vec v) { return vsigmoid(v); });
    case Unary::tanh: return map(x, y, n, [](Vec v) { return vtanh(v); });
    case Unary::erf: return map(x, y, n, [](Vec v) { return verf(v); });
    case Unary::abs: return map(x, y, n, [](Vec v) { return vabs(v); });
    case Unary::clamp_min: return map(x, y, n, [p](Vec v) { return select(v < p, splat(p), v); });
    case Unary::clamp_max: return map(x, y, n, [p](Vec v) { return select(v > p, splat(p), v); });
    case Unary::affine: return map(x, y, n, [p, q](Vec v) { return v * p + q; });
  }
}

void unary_backward(Unary op, const real* s, const real* dy, real* dx, Index n, real p) {
  // s is y for exp, sqrt, reciprocal, relu, sigmoid and tanh, else x.
  switch (op) {
    case Unary::exp: return map_backward(s, dy, dx, n, [](Vec y) { return y; });
    case Unary::log: return map_backward(s, dy, dx, n, [](Vec x) { return 1 / x; });
    case Unary::sin: return map_backward(s, dy, dx, n, [](Vec x) { return vcos(x); });
    case Unary::cos: return map_backward(s, dy, dx, n, [](Vec x) { return -vsin(x); });
    case Unary::sqrt: return map_backward(s, dy, dx, n, [](Vec y) { return static_cast<real>(0.5) / y; });
    case Unary::square: return map_backward(s, dy, dx, n, [](Vec x) { return x + x; });
    case Unary::reciprocal: return map_backward(s, dy, dx, n, [](Vec y) { return -y * y; });
    case Unary::relu: return map_backward(s, dy, dx, n, [](Vec y) { return select(y > 0, splat(1), Vec{}); });
    case Unary::gelu:  // Phi(x) + x phi(x)
      return map_backward(s, dy, dx, n, [](Vec x) {
        return static_cast<real>(0.5) + static_cast<real>(0.5) * verf(x * kInvSqrt2) +
               x * vexp(static_cast<real>(-0.5) * x * x) * kInvSqrt2Pi;
      });
    case Unary::quick_gelu:
      return map_backward(s, dy, dx, n, [](Vec x) {
        constexpr real k = static_cast<real>(1.702);
        const Vec sigmoid = vsigmoid(k * x);
        return sigmoid * (1 + k * x * (1 - sigmoid));
      });
    case Unary::tanh_gelu:  // of x sigmoid(2u): sigmoid (1 + x (1 - sigmoid) (2u)')
      return map_backward(s, dy, dx, n, [](Vec x) {
        const Vec sigmoid = vsigmoid(vtanh_gelu_argument(x));
        const Vec slope = static_cast<real>(1.5957691216057308) + static_cast<real>(0.21406444881780076) * x * x;
        return sigmoid * (1 + x * (1 - sigmoid) * slope);
      });
    case Unary::silu:
      return map_backward(s, dy, dx, n, [](Vec x) {
        const Vec sigmoid = vsigmoid(x);
        return sigmoid * (1 + x * (1 - sigmoid));
      });
    case Unary::sigmoid: return map_backward(s, dy, dx, n, [](Vec y) { return y * (1 - y); });
    case Unary::tanh: return map_backward(s, dy, dx, n, [](Vec y) { return 1 - y * y; });
    case Unary::erf: return map_backward(s, dy, dx, n, [](Vec x) { return kTwoInvSqrtPi * vexp(-x * x); });
    case Unary::abs:
      return map_backward(s, dy, dx, n, [](Vec x) { return select(x > 0, splat(1), select(x < 0, splat(-1), Vec{})); });
    case Unary::clamp_min: return map_backward(s, dy, dx, n, [p](Vec x) { return select(x >= p, splat(1), Vec{}); });
    case Unary::clamp_max: return map_backward(s, dy, dx, n, [p](Vec x) { return select(x <= p, splat(1), Vec{}); });
    case Unary::affine:
      return parallel_ranges(n, kGrain, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) dx[i] = p * dy[i];
      });
  }
}

void binary(Binary op, const real* a, Index a_step, const real* b, Index b_step, real* y, Index n) {
  switch (op) {
    case Binary::add: return zip(a, a_step, b, b_step, y, n, [](Vec u, Vec v) { return u + v; });
    case Binary::sub: return zip(a, a_step, b, b_step, y, n, [](Vec u, Vec v) { return u - v; });
    case Binary::mul: return zip(a, a_step, b, b_step, y, n, [](Vec u, Vec v) { return u * v; });
    case Binary::div: return zip(a, a_step, b, b_step, y, n, [](Vec u, Vec v) { return u / v; });
  }
}

void sin_cos_columns(real* x, const real* kind, real* derivatives, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < columns; i += kLanes) {
      const Index lanes = columns - i;
      real* at = x + r * columns + i;
      const Vec in = load_n(at, lanes), kinds = load_n(kind + i, lanes);
      const auto stays = kinds < 0;
      Vec derivative;
      const Vec y = vsin_or_cos(in, select(stays, Vec{}, kinds), derivative);
      store_n(at, select(stays, in, y), lanes);
      if (derivatives) store_n(derivatives + r * columns + i, select(stays, Vec{}, derivative), lanes);
    }
}

}  // namespace fu::FU_ISA
