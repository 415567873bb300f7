// Vector mathematics: exp, log, sin, cos, erf and the activations, lane by lane, without branches.
//
// Largest errors in float, in units in the last place (ULP) of the true result. They were found by comparing every
// float of the range (exp, sin, cos, sigmoid, tanh: every third) with double. tests/core/test_math.cpp requires them of
// every table that the processor has, and states the same numbers.
//
//              baseline   avx2   wide, neon*  avx512
//   exp             1.1    1.1          1.1      1.1   all x; overflows to inf, underflows gradually (neon32: to 0)
//   log             1.0    1.0          1.0      1.0   all x > 0; log(0) = -inf, log(x < 0) = NaN
//   sin, cos        3.5    1.7          1.7      1.7   |x| <= 1e5, more beyond; baseline 1.9 for |x| <= 10
//   erf             7.5    9.5          6.5      7.5   all x
//   gelu            4.5    5.0          4.5      4.5   in ULP of x: for x < 0, 1 + erf cancels, and the error stays
//   sigmoid         2.6    2.6          2.6      2.6   all x
//   tanh            2.0    2.0          2.0      2.0   all x
//
// Two properties of a target decide the differences:
// - Fused multiply-add. baseline rounds products before it adds, which costs most where sin and cos subtract multiples
//   of pi/2. Elsewhere the compiler chooses what it fuses: erf of wide is within 7.5 ULP by clang.
// - How erf and gelu divide. baseline, wide and neon divide exactly (0.5 ULP). avx2 and avx512 take reciprocal(): the
//   estimate vrcp14ps and one Newton step are within 1.5 ULP; rcpps and one Newton step within 2.6 ULP on the AMD
//   processor where this was measured (Zen 4), and within 3.8 ULP on any processor that keeps the 1.5 * 2^-12 which the
//   instruction set allows. The avx2 bounds hold for the latter, by simulation (erf 9.0, gelu 4.7); measured were
//   erf 7.7, gelu 4.3.
// Errors near the bounds are rare: they need unlucky roundings in all steps. A sample of 2^18 random numbers finds 3.4
// to 3.8 for gelu, so a sample is no measurement of a bound.
//
// The coefficients are least-squares fits re-weighted towards equal error (Lawson's method), computed for this file in
// 40-digit arithmetic. In a double build every function calls the C library lane by lane: those builds check gradients
// and need not be fast.
#pragma once

#include "core/kernels/simd.h"

namespace fu::FU_ISA {

/// c[0] + c[1] x + c[2] x^2 + ...
template <int N>
static inline Vec polynomial(Vec x, const real (&c)[N]) {
  Vec y = splat(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) y = y * x + c[i];
  return y;
}

template <class F>
static inline Vec lane_by_lane(Vec x, F f) {
  Vec y{};
  for (Index i = 0; i < kLanes; ++i) y[i] = static_cast<real>(f(static_cast<double>(x[i])));
  return y;
}

#ifdef FU_REAL_DOUBLE

static inline Vec vexp(Vec x) {
  return lane_by_lane(x, [](double v) { return __builtin_exp(v); });
}
static inline Vec vexp_negative(Vec x) { return vexp(x); }
static inline Vec vexp2_negative(Vec x) {
  return lane_by_lane(x, [](double v) { return __builtin_exp2(v); });
}
static inline Vec vlog(Vec x) {
  return lane_by_lane(x, [](double v) { return __builtin_log(v); });
}
static inline Vec vsin(Vec x) {
  return lane_by_lane(x, [](double v) { return __builtin_sin(v); });
}
static inline Vec vcos(Vec x) {
  return lane_by_lane(x, [](double v) { return __builtin_cos(v); });
}
/// sin(x) where `cosine` is 0, cos(x) where it is 1, and the derivative of either.
static inline Vec vsin_or_cos(Vec x, Vec cosine, Vec& derivative) {
  const Vec s = vsin(x), c = vcos(x);
  derivative = cosine != 0 ? -s : c;
  return cosine != 0 ? c : s;
}
static inline Vec verf(Vec x) {
  return lane_by_lane(x, [](double v) { return __builtin_erf(v); });
}

#else

static inline Vec as_real(VecInt v) { return reinterpret_cast<Vec>(v); }
static inline VecInt as_int(Vec v) { return reinterpret_cast<VecInt>(v); }

/// x + kRoundMagic, |x| < 2^22, holds the nearest integer of x in its low bits: 1.5 * 2^23 leaves no bit for a
/// fraction.
constexpr real kRoundMagic = 12582912.0f;

/// 2^n for integer n in [-126, 127]: n becomes the exponent bits.
static inline Vec exp2_int(VecInt n) { return as_real((n + 127) << 23); }

static inline Vec vexp(Vec x) {
  // exp(x) = 2^n exp(r), |r| <= ln 2 / 2. 2^n is applied in two halves, so that denormal results round once and
  // overflow gives inf.
  constexpr real kPoly[] = {0.5f,
                            0.1666666567325592f,
                            0.04166629537940025f,
                            0.008333497680723667f,
                            0.0013944759266451001f,
                            0.00019790248188655823f};
  const Vec clamped = vmin(vmax(x, splat(-110.0f)), splat(90.0f));
  const Vec shifted = clamped * 1.4426950216293335f + kRoundMagic;
  const Vec n = shifted - kRoundMagic;
  // ln 2 in two parts: the first has 15 bits, so n times it is exact.
  Vec r = clamped - n * 0.693145751953125f;
  r = r - n * 1.428606765330187e-06f;
  Vec y = polynomial(r, kPoly) * (r * r) + r + 1.0f;
  const VecInt whole = as_int(shifted) - as_int(splat(kRoundMagic));
  const VecInt half = whole >> 1;
  y = y * exp2_int(half) * exp2_int(whole - half);
  return select(x == x, y, x);
}

/// exp(x) for x <= 0, as in a softmax. Results under 1e-37 become about 1e-37 and are not denormal. Half the
/// instructions of vexp.
static inline Vec vexp_negative(Vec x) {
  constexpr real kPoly[] = {0.5f,
                            0.1666666567325592f,
                            0.04166629537940025f,
                            0.008333497680723667f,
                            0.0013944759266451001f,
                            0.00019790248188655823f};
  const Vec bounded = vmax(splat(-86.0f), x);  // in this order of arguments NaN stays NaN
  const Vec shifted = bounded * 1.4426950216293335f + kRoundMagic;
  const Vec n = shifted - kRoundMagic;
  Vec r = bounded - n * 0.693145751953125f;
  r = r - n * 1.428606765330187e-06f;
  return (polynomial(r, kPoly) * (r * r) + r + 1.0f) * as_real((as_int(shifted) + 127) << 23);
}

/// 2^x for x <= 0, within 2.1 ULP; results under 2^-125 become about 2^-125. For a softmax whose scale contains the
/// factor 1 / ln 2.
static inline Vec vexp2_negative(Vec x) {
  constexpr real kPoly[] = {1.0f,
                            0.6931470036506653f,
                            0.24022242426872253f,
                            0.05550733581185341f,
                            0.009671512991189957f,
                            0.001326472731307149f};
  const Vec bounded = vmax(splat(-125.0f), x);  // in this order of arguments NaN stays NaN
  const Vec shifted = bounded + kRoundMagic;
  const Vec r = bounded - (shifted - kRoundMagic);
  return as_real(as_int(polynomial(r, kPoly)) + (as_int(shifted) << 23));
}

static inline Vec vlog(Vec x) {
  // log(x) = e ln 2 + log(1 + f), 1 + f in [sqrt 1/2, sqrt 2).
  constexpr real kPoly[] = {0.3333331346511841f,  -0.25000008940696716f, 0.2000211924314499f,
                            -0.1666799634695053f, 0.14219550788402557f,  -0.12405591458082199f,
                            0.11888174712657928f, -0.11675640940666199f, 0.06746601313352585f};
  const VecInt denormal = x < 1.17549435e-38f;
  const Vec scaled = select(denormal, x * 8388608.0f, x);
  const VecInt bits = as_int(scaled);
  // Without the bits of sqrt(1/2), the exponent changes at multiples of sqrt(1/2) and not at powers of 2.
  const VecInt exponent = (bits - 0x3f3504f3) >> 23;
  const Vec f = as_real(bits - (exponent << 23)) - 1.0f;
  Vec e = __builtin_convertvector(exponent, Vec);
  e = select(denormal, e - 23.0f, e);
  const Vec f2 = f * f;
  Vec y = polynomial(f, kPoly) * f2 * f + e * 1.428606765330187e-06f;
  y = y - 0.5f * f2 + f + e * 0.693145751953125f;
  const Vec inf = splat(__builtin_inff());
  y = select(x == inf, inf, y);
  y = select(x == 0.0f, -inf, y);
  return select((x >= 0.0f), y, splat(__builtin_nanf("")));
}

/// x = n pi/2 + r, |r| <= pi/4; returns r, and n in the low bits of `quadrant`.
static inline Vec reduce_half_pi(Vec x, VecInt& quadrant) {
  const Vec shifted = x * 0.636619772f + kRoundMagic;
  const Vec n = shifted - kRoundMagic;
  quadrant = as_int(shifted);
  if constexpr (kFusedMultiplyAdd) {
    // pi/2 in parts of 24 bits. The first product is exact inside a fused multiply-add, and the difference has at most
    // 24 bits.
    Vec r = x - n * 0x1.921fb4p+0f;
    r = r - n * 0x1.4442dp-24f;
    return r - n * 0x1.846988p-48f;
  } else {
    // Parts of 8 bits, so that n (16 bits for |x| <= 1e5) times each of them is exact.
    Vec r = x - n * 0x1.92p+0f;
    r = r - n * 0x1.fap-12f;
    r = r - n * 0x1.54p-20f;
    r = r - n * 0x1.1p-30f;
    r = r - n * 0x1.68p-39f;
    return r - n * 0x1.846988p-48f;
  }
}

/// sin and cos of r.
static inline void sin_cos_small(Vec r, Vec& s, Vec& c) {
  constexpr real kSin[] = {-0.1666666716337204f, 0.008333329111337662f, -0.0001983930415008217f,
                           2.718046516747563e-06f};
  constexpr real kCos[] = {0.0416666679084301f, -0.0013888883404433727f, 2.479945214872714e-05f,
                           -2.720504710396199e-07f};
  const Vec z = r * r;
  s = polynomial(z, kSin) * (z * r) + r;
  c = polynomial(z, kCos) * (z * z) + (1.0f - 0.5f * z);
}

/// sin(r + quadrant pi/2) from s = sin(r) and c = cos(r).
static inline Vec sin_quarter_turns(Vec s, Vec c, VecInt quadrant) {
  const Vec y = select((quadrant & 1) != 0, c, s);
  return as_real(as_int(y) ^ ((quadrant & 2) << 30));
}

static inline Vec sin_quadrant(Vec r, VecInt quadrant) {
  Vec s, c;
  sin_cos_small(r, s, c);
  return sin_quarter_turns(s, c, quadrant);
}

static inline Vec vsin(Vec x) {
  VecInt quadrant;
  const Vec r = reduce_half_pi(x, quadrant);
  return sin_quadrant(r, quadrant);
}
static inline Vec vcos(Vec x) {
  VecInt quadrant;
  const Vec r = reduce_half_pi(x, quadrant);
  return sin_quadrant(r, quadrant + 1);
}
/// sin(x) where `cosine` is 0, cos(x) = sin(x + pi/2) where it is 1, and the derivative of either.
static inline Vec vsin_or_cos(Vec x, Vec cosine, Vec& derivative) {
  VecInt quadrant;
  const Vec r = reduce_half_pi(x, quadrant);
  quadrant += __builtin_convertvector(cosine, VecInt);
  Vec s, c;
  sin_cos_small(r, s, c);
  derivative = sin_quarter_turns(s, c, quadrant + 1);
  return sin_quarter_turns(s, c, quadrant);
}

/// erf(x) for |x| <= 4; beyond, erf rounds to 1. x P(x^2) / Q(x^2): all coefficients are positive, so nothing cancels.
static inline Vec erf_bounded(Vec x) {
  constexpr real kP[] = {1.1283791065216064f,   0.1935426890850067f,     0.053101323544979095f,
                         0.003883209079504013f, 0.00028455769643187523f, 1.9867370610882062e-06f};
  constexpr real kQ[] = {1.0f,
                         0.5048552751541138f,
                         0.1153489202260971f,
                         0.015206989832222462f,
                         0.0011855284683406353f,
                         3.7419267755467445e-05f};
  const Vec z = x * x;
  return x * polynomial(z, kP) * reciprocal(polynomial(z, kQ));
}
static inline Vec verf(Vec x) {
  const Vec bounded = vmin(vmax(x, splat(-4.0f)), splat(4.0f)), y = erf_bounded(bounded);
  // At 4 the quotient is 1 with one processor's reciprocal(), and the number below it with another's.
  const Vec inside = vmin(vmax(y, splat(-1.0f)), splat(1.0f));
  return select(x == x, select(vabs(bounded) < 4.0f, inside, bounded * 0.25f), x);
}

#endif

/// x Phi(x), Phi the cumulative normal distribution, 0.5 (1 + erf(x / sqrt 2)).
static inline Vec vgelu(Vec x) {
  const Vec half = static_cast<real>(0.5) * x;
#ifdef FU_REAL_DOUBLE
  return half + half * verf(x * 0.70710678118654752440);
#else
  // Phi - 1/2 as t P(t^2) / Q(t^2), within 2^-24 for |t| <= 5.2; beyond, Phi rounds to 0 or 1. The bounds on t may lose
  // a NaN, because the factor x brings it back.
  constexpr real kP[] = {0.39894190430641174f, 0.049594003707170486f, 0.005518770776689053f, 0.0003142695059068501f,
                         5.840738140250323e-06f};
  constexpr real kQ[] = {1.0f,
                         0.290974497795105f,
                         0.03734015300869942f,
                         0.0027037817053496838f,
                         0.00011274313874309883f,
                         5.019084596824541e-07f};
  const Vec t = vmin(vmax(x, splat(-5.2f)), splat(5.2f)), z = t * t;
  return half + x * (t * polynomial(z, kP) * reciprocal(polynomial(z, kQ)));
#endif
}
static inline Vec vsigmoid(Vec x) { return 1.0f / (1.0f + vexp(-x)); }
/// x sigmoid(1.702 x)
static inline Vec vquick_gelu(Vec x) { return x * vsigmoid(static_cast<real>(1.702) * x); }
/// 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3), as x sigmoid(2u): they are equal, and this one does not
/// cancel for x < 0.
static inline Vec vtanh_gelu_argument(Vec x) {
  return static_cast<real>(1.5957691216057308) * (x + static_cast<real>(0.044715) * x * x * x);
}
static inline Vec vtanh_gelu(Vec x) { return x * vsigmoid(vtanh_gelu_argument(x)); }
/// x sigmoid(x)
static inline Vec vsilu(Vec x) { return x * vsigmoid(x); }

static inline Vec vtanh(Vec x) {
  // 1 - 2 / (exp(2|x|) + 1) cancels near 0, where the Taylor series is used.
  const Vec a = vabs(x);
  const Vec big = 1.0f - 2.0f / (vexp(2.0f * a) + 1.0f);
#ifdef FU_REAL_DOUBLE
  const Vec y = select(a < 1e-4, a - a * a * a / 3.0, big);
#else
  constexpr real kPoly[] = {-0.3333333f, 0.1333333f, -0.0539683f, 0.0218695f, -0.0088632f};
  const Vec z = a * a;
  const Vec y = select(a < 0.35f, polynomial(z, kPoly) * z * a + a, big);
#endif
  return select(x < 0.0f, -y, select(x == x, y, x));
}

static inline Vec vsqrt(Vec x) {
  Vec y{};
  for (Index i = 0; i < kLanes; ++i)
    y[i] = sizeof(real) == 8 ? static_cast<real>(__builtin_sqrt(x[i]))
                             : static_cast<real>(__builtin_sqrtf(static_cast<float>(x[i])));
  return y;
}
static inline Vec vrelu(Vec x) { return select(x > 0.0f, x, select(x == x, Vec{}, x)); }

}  // namespace fu::FU_ISA
