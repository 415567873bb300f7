// y = act(x w^T + b): with dz = dy act'(z), dx = dz w, dw = dz^T x, db = dz summed over rows.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var linear(const Var& x, const Var& weight, const Var& bias, Activation activation) {
  // These derivatives need the input of the activation, which the fused kernel does not keep. ReLU's follows from the
  // result.
  if (x.tracked() || weight.tracked() || bias.tracked()) switch (activation) {
      case Activation::gelu: return gelu(linear(x, weight, bias));
      case Activation::quick_gelu: return quick_gelu(linear(x, weight, bias));
      case Activation::tanh_gelu: return tanh_gelu(linear(x, weight, bias));
      case Activation::silu: return silu(linear(x, weight, bias));
      case Activation::none:
      case Activation::relu: break;
    }
  Tensor y = linear(x.value, weight.value, bias.value, activation);
  const Tensor saved = activation == Activation::relu ? y : Tensor();
  return record("linear", {x, weight, bias}, std::move(y),
                [x = x.value, w = weight.value, has_bias = bias.size() > 0, saved](const Gradient& g) {
                  Tensor dz = g.dy;
                  if (saved.size() > 0) {
                    dz = Tensor(g.dy.shape());
                    kernels().unary_backward(Unary::relu, saved.data(), g.dy.data(), dz.data(), dz.size(), 0);
                  }
                  const Index n = w.dim(0), k = w.dim(1), rows = x.shape().elements(0, x.rank() - 1);
                  if (g.wants(0)) g.add(0, matmul(dz.reshape({rows, n}), w).reshape(x.shape()));
                  if (g.wants(1)) {
                    bool fresh = false;
                    Tensor dw = g.target(1, fresh);
                    GemmArgs args;
                    args.m = n, args.k = rows, args.n = k;
                    args.a = dz.data(), args.a_row = 1, args.a_col = n;
                    args.b = x.data(), args.b_row = k;
                    args.c = dw.data(), args.ldc = k;
                    args.accumulate = !fresh;
                    run_gemm(args);
                    g.set(1, std::move(dw));
                  }
                  if (has_bias && g.wants(2)) g.add(2, sum_to(dz, Shape{n}));
                });
}

void gradient_cases_linear(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{17, 9}, Shape{2, 3, 4}, Shape{1, 1}, Shape{0, 5}, Shape{7}, Shape{2, 3, 2, 33}}) {
    const std::vector<Tensor> inputs{cases.normal(shape), cases.normal({13, shape[-1]}), cases.normal({13})};
    cases.add(shape.str(), inputs, [](In x) { return linear(x[0], x[1], x[2]); });
    for (const auto& [name, activation] : {std::pair{"gelu ", Activation::gelu},
                                           {"quick gelu ", Activation::quick_gelu},
                                           {"tanh gelu ", Activation::tanh_gelu},
                                           {"silu ", Activation::silu}})
      cases.add(name + shape.str(), inputs, [a = activation](In x) { return linear(x[0], x[1], x[2], a); });
  }
  // Away from the kink: positive everywhere, or negative.
  cases.add("relu", {cases.positive({6, 4}), cases.positive({5, 4}), cases.positive({5})}, [](In x) {
    return linear(x[0], x[1], x[2], Activation::relu) +
           linear(x[0], affine(x[1], -1), affine(x[2], -1), Activation::relu);
  });
  cases.add("many rows", {cases.normal({9001, 5}), cases.normal({7, 5}), cases.normal({7})},
            [](In x) { return linear(x[0], x[1], x[2]); });
  cases.add("no bias", {cases.normal({6, 4}), cases.normal({5, 4})}, [](In x) { return linear(x[0], x[1], Tensor()); });
  cases.add("same weights twice", {cases.normal({6, 5}), cases.normal({5, 5}), cases.normal({5})},
            [](In x) { return linear(linear(x[0], x[1], x[2]), x[1], x[2]); });
}

}  // namespace fu
