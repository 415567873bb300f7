// Functions of one element, and arithmetic of two.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kGrain = 1 << 14;  // elements of a task: enough to repay its start

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
    case Unary::sigmoid: return map(x, y, n, [](Vec v) { return vsigmoid(v); });
    case Unary::tanh: return map(x, y, n, [](Vec v) { return vtanh(v); });
    case Unary::erf: return map(x, y, n, [](Vec v) { return verf(v); });
    case Unary::clamp_min: return map(x, y, n, [p](Vec v) { return select(v < p, splat(p), v); });
    case Unary::affine: return map(x, y, n, [p, q](Vec v) { return v * p + q; });
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

}  // namespace fu::FU_ISA
