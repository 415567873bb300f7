#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct UnaryCase {
  Unary op;
  const char* name;
  real low, high;                 // of x
  double tolerance = kTolerance;  // gelu is accurate in ULP of x, which exceeds the result where x < 0
};
const UnaryCase kUnary[] = {{Unary::exp, "exp", -3, 3},
                            {Unary::log, "log", real(0.1), 3},
                            {Unary::sin, "sin", -3, 3},
                            {Unary::cos, "cos", -3, 3},
                            {Unary::sqrt, "sqrt", real(0.1), 3},
                            {Unary::square, "square", -3, 3},
                            {Unary::reciprocal, "reciprocal", real(0.1), 3},
                            {Unary::relu, "relu", -3, 3},
                            {Unary::gelu, "gelu", -3, 3, 2e-5},
                            {Unary::quick_gelu, "quick_gelu", -3, 3},
                            {Unary::tanh_gelu, "tanh_gelu", -3, 3},
                            {Unary::silu, "silu", -3, 3},
                            {Unary::sigmoid, "sigmoid", -3, 3},
                            {Unary::tanh, "tanh", -3, 3},
                            {Unary::erf, "erf", -3, 3},
                            {Unary::abs, "abs", -3, 3},
                            {Unary::clamp_min, "clamp_min", -3, 3},
                            {Unary::clamp_max, "clamp_max", -3, 3},
                            {Unary::affine, "affine", -3, 3}};

}  // namespace

void kernel_cases_unary(KernelCases& cases) {
  for (const UnaryCase& u : kUnary)
    for (Index n : kLengths) {
      const Tensor x = cases.random.uniform({n}, u.low, u.high);
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs(n);
        k.unary(u.op, x.data(), y.data(), n, real(0.25), real(-0.5));
        return y;
      };
      cases.add(u.name + label({{" n", n}}), run, u.tolerance);
    }
  for (const UnaryCase& u : kUnary) {
    const Tensor x = cases.random.uniform({40003}, u.low, u.high);
    const auto in_place = [=](const Kernels& k) {
      Tensor y = outputs_like(x);
      k.unary(u.op, y.data(), y.data(), 40003, real(0.25), real(-0.5));
      return y;
    };
    cases.add(std::string(u.name) + " of many, in place", in_place, u.tolerance);
  }
}

void kernel_cases_unary_backward(KernelCases& cases) {
  for (const UnaryCase& u : kUnary)
    for (Index n : {Index{0}, Index{1}, Index{3}, Index{4}, Index{7}, Index{9}, Index{15}, Index{17}, Index{40003}}) {
      // s is y or x. Intervals without a zero of the derivative: there it is accurate in ULP of what cancels.
      const bool positive = u.low > 0 || saves_output(u.op) || u.op == Unary::gelu || u.op == Unary::quick_gelu ||
                            u.op == Unary::tanh_gelu || u.op == Unary::silu;
      const Tensor s = cases.random.uniform({n}, positive ? real(0.1) : -1, positive ? real(0.9) : 1);
      const Tensor dy = cases.random.uniform({n}, real(0.5), 2);
      const auto run = [=](const Kernels& k) {
        Tensor dx = outputs(n), in_place = outputs_like(dy);
        k.unary_backward(u.op, s.data(), dy.data(), dx.data(), n, real(0.25));
        k.unary_backward(u.op, s.data(), in_place.data(), in_place.data(), n, real(0.25));
        return joined({dx, in_place});
      };
      cases.add(u.name + label({{" n", n}}), run, 4e-6);
    }
}

void kernel_cases_sin_cos_columns(KernelCases& cases) {
  for (Index columns : kLengths) {
    const Tensor x = cases.random.uniform({7, columns}, -2e4, 2e4);
    Tensor kind({columns});
    for (Index i = 0; i < columns; ++i) kind.data()[i] = static_cast<real>(i % 3) - 1;
    const auto run = [=](const Kernels& k) {
      // x that stays is large: its part is left out, or it would hide the errors of sine and cosine.
      Tensor y = outputs_like(x), alone = outputs_like(x), derivatives = outputs(7 * columns);
      k.sin_cos_columns(y.data(), kind.data(), derivatives.data(), 7, columns);
      k.sin_cos_columns(alone.data(), kind.data(), nullptr, 7, columns);
      for (Tensor* t : {&y, &alone})
        for (Index i = 0; i < 7 * columns; ++i)
          if (kind.data()[i % columns] < 0) t->data()[i] = t->data()[i] == x.data()[i] ? real(0) : real(9);
      return joined({y, alone, derivatives});
    };
    cases.add(label({{"columns", columns}}), run);
  }
}

void kernel_cases_binary(KernelCases& cases) {
  for (Binary op : {Binary::add, Binary::sub, Binary::mul, Binary::div})
    for (Index n : kLengths)
      for (Index a_step : {Index{0}, Index{1}})
        for (Index b_step : {Index{0}, Index{1}}) {
          const Tensor a = cases.random.uniform({n + 1}, 1, 2), b = cases.random.uniform({n + 1}, -2, -1);
          const auto run = [=](const Kernels& k) {
            Tensor y = outputs(n);
            k.binary(op, a.data(), a_step, b.data(), b_step, y.data(), n);
            return y;
          };
          cases.add(label({{"op", static_cast<Index>(op)}, {"n", n}, {"a_step", a_step}, {"b_step", b_step}}), run);
        }
}

}  // namespace fu::test
