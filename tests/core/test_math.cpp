// Vector mathematics against double: the largest errors that core/kernels/math.h states, for every instruction set.
#include "core/kernels/types.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

#ifndef FU_REAL_DOUBLE

namespace {

/// Bounds in units in the last place (ULP): the table of core/kernels/math.h.
struct Bounds {
  const char* isa;
  double exp, log, sin_cos_10, sin_cos, erf, gelu, sigmoid, tanh;
};
#ifdef __clang__
constexpr double kErfOfWide = 7.5;  // it fuses other products than GCC does
#else
constexpr double kErfOfWide = 6.5;
#endif
constexpr Bounds kBounds[] = {
    {"baseline", 1.1, 1.0, 1.9, 3.5, 7.5, 4.5, 2.6, 2.0},    {"avx2", 1.1, 1.0, 1.7, 1.7, 9.5, 5.0, 2.6, 2.0},
    {"wide", 1.1, 1.0, 1.7, 1.7, kErfOfWide, 4.5, 2.6, 2.0}, {"neon", 1.1, 1.0, 1.7, 1.7, 6.5, 4.5, 2.6, 2.0},
    {"avx512", 1.1, 1.0, 1.7, 1.7, 7.5, 4.5, 2.6, 2.0},      {"neon32", 1.1, 1.0, 1.7, 1.7, 6.5, 4.5, 2.6, 2.0},
};

/// NEON of ARMv7 gives zero in place of denormal numbers.
bool has_denormals(const Kernels& table) { return std::string(table.isa) != "neon32"; }

/// The bounds of a table. A variant has the arithmetic of its target, which it is named by up to the underscore; a
/// target without a line of its own that of baseline.
const Bounds& bounds_of(const Kernels& table) {
  const std::string isa = table.isa, target = isa.substr(0, isa.find('_'));
  for (const Bounds& b : kBounds)
    if (b.isa == target) return b;
  return kBounds[0];
}

/// Distance of a float from the true value, in ULP of `at`.
double ulps(float value, double truth, double at) {
  const auto rounded = static_cast<float>(std::abs(at));
  const double ulp = static_cast<double>(std::nextafter(rounded, INFINITY)) - static_cast<double>(rounded);
  return std::abs(static_cast<double>(value) - truth) / ulp;
}

/// Largest error of op over `points`, in ULP of the true result, or of x itself.
double worst_of(const Kernels& k, Unary op, double (*truth)(double), const std::vector<float>& points, bool of_x) {
  std::vector<float> y(points.size());
  k.unary(op, points.data(), y.data(), static_cast<Index>(points.size()), 0, 0);
  double most = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = static_cast<double>(points[i]), t = truth(x);
    most = std::max(most, ulps(y[i], t, of_x ? x : t));
  }
  return most;
}

/// Random points of [low, high], and multiples of pi/2 in it, where sine or cosine cancel.
std::vector<float> points_of(double low, double high) {
  constexpr Index kPoints = 1 << 18;
  Random random(3);
  const Tensor x = random.uniform({kPoints}, static_cast<real>(low), static_cast<real>(high));
  std::vector<float> points(x.data(), x.data() + kPoints);
  for (std::size_t i = 0; i < 4000; ++i) {
    const double at = static_cast<double>(i) * 16 * 1.5707963267948966;
    if (at < high) points[i] = static_cast<float>(at);
  }
  return points;
}

/// `count` consecutive floats, from `last` towards 0.
std::vector<float> floats_up_to(float last, int count) {
  std::vector<float> points;
  for (; count > 0; --count) points.push_back(last), last = std::nextafter(last, 0.0f);
  return points;
}

double exp_d(double v) { return std::exp(v); }
double log_d(double v) { return std::log(v); }
double sin_d(double v) { return std::sin(v); }
double cos_d(double v) { return std::cos(v); }
double erf_d(double v) { return std::erf(v); }
double gelu_d(double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }
double sigmoid_d(double v) { return 1 / (1 + std::exp(-v)); }
double tanh_d(double v) { return std::tanh(v); }

}  // namespace

TEST_CASE("math: accuracy in ULP, every instruction set") {
  say_missing_kernels();
  // The error of gelu is largest just below x = 4, where an ULP is smallest relative to x.
  constexpr int kBelow = 1 << 17;
  for (const Kernels* k : all_kernels()) {
    if (k == all_kernels().front()) continue;
    CAPTURE(std::string(k->isa));
    const Bounds& most = bounds_of(*k);
    const auto worst = [&](Unary op, double (*truth)(double), double low, double high, bool of_x = false) {
      return worst_of(*k, op, truth, points_of(low, high), of_x);
    };
    CHECK(worst(Unary::exp, exp_d, -87, 88) <= most.exp);
    if (has_denormals(*k)) CHECK(worst(Unary::exp, exp_d, -103, -87) <= most.exp);
    CHECK(worst(Unary::log, log_d, 1e-3, 4) <= most.log);
    CHECK(worst(Unary::log, log_d, 1e-38, 1e38) <= most.log);
    CHECK(worst(Unary::sin, sin_d, -10, 10) <= most.sin_cos_10);
    CHECK(worst(Unary::cos, cos_d, -10, 10) <= most.sin_cos_10);
    CHECK(worst(Unary::sin, sin_d, -1e5, 1e5) <= most.sin_cos);
    CHECK(worst(Unary::cos, cos_d, -1e5, 1e5) <= most.sin_cos);
    CHECK(worst(Unary::erf, erf_d, -5, 5) <= most.erf);
    CHECK(worst(Unary::erf, erf_d, 2, 4) <= most.erf);
    CHECK(worst(Unary::gelu, gelu_d, -8, 8, true) <= most.gelu);
    CHECK(worst(Unary::gelu, gelu_d, 0, 8) <= most.gelu);
    CHECK(worst_of(*k, Unary::gelu, gelu_d, floats_up_to(4, kBelow), true) <= most.gelu);
    CHECK(worst_of(*k, Unary::gelu, gelu_d, floats_up_to(-4, kBelow), true) <= most.gelu);
    CHECK(worst(Unary::sigmoid, sigmoid_d, -80, 80) <= most.sigmoid);
    CHECK(worst(Unary::tanh, tanh_d, -10, 10) <= most.tanh);
  }
}

TEST_CASE("math: infinities, zeros and NaN") {
  const float inf = INFINITY, nan = NAN;
  for (const Kernels* k : all_kernels()) {
    CAPTURE(std::string(k->isa));
    const auto at = [&](Unary op, float x) {
      float y = 0;
      k->unary(op, &x, &y, 1, 0, 0);
      return y;
    };
    CHECK(at(Unary::exp, inf) == inf);
    CHECK(at(Unary::exp, -inf) == 0);
    CHECK(at(Unary::exp, 0) == 1);
    CHECK(at(Unary::exp, 89) == inf);
    CHECK(at(Unary::log, 0) == -inf);
    CHECK(at(Unary::log, inf) == inf);
    CHECK(std::isnan(at(Unary::log, -1)));
    CHECK(at(Unary::erf, inf) == 1);
    CHECK(at(Unary::erf, -inf) == -1);
    for (const float x : {4.0f, 4.5f, 100.0f}) CHECK(at(Unary::erf, x) == 1);
    CHECK(at(Unary::tanh, inf) == 1);
    CHECK(at(Unary::tanh, -inf) == -1);
    CHECK(at(Unary::sigmoid, -inf) == 0);
    CHECK(at(Unary::relu, -1) == 0);
    for (Unary op : {Unary::exp, Unary::log, Unary::sin, Unary::cos, Unary::erf, Unary::gelu, Unary::tanh,
                     Unary::sigmoid, Unary::relu})
      CHECK(std::isnan(at(op, nan)));
  }
}

#endif
