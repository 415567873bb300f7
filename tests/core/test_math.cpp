// Vector mathematics against double, in units in the last place: the claims of core/kernels/math.h.
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

#ifndef FU_REAL_DOUBLE

namespace {

/// Distance of a float from the true value, in ULP of `at`.
double ulps(float value, double truth, double at) {
  const auto rounded = static_cast<float>(at);
  const double ulp =
      static_cast<double>(std::nextafter(std::abs(rounded), INFINITY)) - static_cast<double>(std::abs(rounded));
  return std::abs(static_cast<double>(value) - truth) / ulp;
}

double worst(const Kernels& k, Unary op, double (*truth)(double), double low, double high, bool by_input = false) {
  constexpr Index kPoints = 1 << 18;
  Random random(3);
  Tensor x = random.uniform({kPoints}, static_cast<real>(low), static_cast<real>(high)), y({kPoints});
  // Also the neighbourhoods of multiples of pi/2, where sine and cosine cancel.
  for (Index i = 0; i < 4000; ++i) {
    const double at = static_cast<double>(i) * 16 * 1.5707963267948966;
    if (at < high) x.data()[i] = static_cast<real>(at);
  }
  k.unary(op, x.data(), y.data(), kPoints, 0, 0);
  double most = 0;
  for (Index i = 0; i < kPoints; ++i) {
    const double t = truth(static_cast<double>(x.data()[i]));
    most = std::max(most, ulps(y.data()[i], t, by_input ? static_cast<double>(x.data()[i]) : t));
  }
  return most;
}

}  // namespace

TEST_CASE("math: accuracy in ULP, every instruction set") {
  for (const Kernels* k : all_kernels()) {
    if (std::string(k->isa) == "reference") continue;
    CAPTURE(std::string(k->isa));
    const bool fused = std::string(k->isa) != "baseline";  // multiply-add in one rounding
    const auto exp_d = [](double v) { return std::exp(v); };
    const auto sin_d = [](double v) { return std::sin(v); };
    const auto cos_d = [](double v) { return std::cos(v); };
    CHECK(worst(*k, Unary::exp, exp_d, -87, 88) <= 1.1);
    CHECK(worst(*k, Unary::exp, exp_d, -103, -87) <= 1.1);
    CHECK(worst(
              *k, Unary::log, [](double v) { return std::log(v); }, 1e-3, 4) <= 1.0);
    CHECK(worst(
              *k, Unary::log, [](double v) { return std::log(v); }, 1e-38, 1e38) <= 1.0);
    CHECK(worst(*k, Unary::sin, sin_d, -10, 10) <= (fused ? 1.6 : 1.9));
    CHECK(worst(*k, Unary::sin, sin_d, -1e5, 1e5) <= (fused ? 1.6 : 3.2));
    CHECK(worst(*k, Unary::cos, cos_d, -10, 10) <= (fused ? 1.6 : 1.9));
    CHECK(worst(*k, Unary::cos, cos_d, -1e5, 1e5) <= (fused ? 1.6 : 3.2));
    CHECK(worst(
              *k, Unary::erf, [](double v) { return std::erf(v); }, -5, 5) <= (fused ? 6.0 : 7.5));
    const auto gelu_d = [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); };
    CHECK(worst(*k, Unary::gelu, gelu_d, -8, 8, true) <= (fused ? 3.4 : 3.7));
    CHECK(worst(*k, Unary::gelu, gelu_d, 0, 8) <= (fused ? 3.4 : 3.7));
    CHECK(worst(
              *k, Unary::sigmoid, [](double v) { return 1 / (1 + std::exp(-v)); }, -80, 80) <= 3.0);
    CHECK(worst(
              *k, Unary::tanh, [](double v) { return std::tanh(v); }, -10, 10) <= 4.0);
  }
}

TEST_CASE("math: infinities, zeros and what is not a number") {
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
