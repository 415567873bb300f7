// Functions of one element: y = f(x), dx = dy f'(x). Some derivatives are cheapest to compute from y; these ops save y,
// the others x.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

namespace {

const char* name_of(Unary op) {
  switch (op) {
    case Unary::exp: return "exp";
    case Unary::log: return "log";
    case Unary::sin: return "sin";
    case Unary::cos: return "cos";
    case Unary::sqrt: return "sqrt";
    case Unary::square: return "square";
    case Unary::reciprocal: return "reciprocal";
    case Unary::relu: return "relu";
    case Unary::gelu: return "gelu";
    case Unary::quick_gelu: return "quick_gelu";
    case Unary::tanh_gelu: return "tanh_gelu";
    case Unary::silu: return "silu";
    case Unary::sigmoid: return "sigmoid";
    case Unary::tanh: return "tanh";
    case Unary::erf: return "erf";
    case Unary::abs: return "abs";
    case Unary::clamp_min: return "clamp_min";
    case Unary::clamp_max: return "clamp_max";
    case Unary::affine: return "affine";
  }
  return "unary";
}

}  // namespace

Var unary(Unary op, const Var& x, real p, real q) {
  Tensor y = unary(op, x.value, p, q);
  const Tensor saved = op == Unary::affine ? Tensor() : saves_output(op) ? y : x.value;
  return record(name_of(op), {x}, std::move(y), [op, saved, p](const Gradient& g) {
    Tensor dx(g.dy.shape());
    kernels().unary_backward(op, saved.data(), g.dy.data(), dx.data(), dx.size(), p);
    g.add(0, std::move(dx));
  });
}

void gradient_cases_elementwise(GradientCases& cases) {
  using In = const std::vector<Var>&;
  const std::pair<const char*, Unary> any[] = {{"exp", Unary::exp},
                                               {"sin", Unary::sin},
                                               {"cos", Unary::cos},
                                               {"square", Unary::square},
                                               {"gelu", Unary::gelu},
                                               {"quick_gelu", Unary::quick_gelu},
                                               {"tanh_gelu", Unary::tanh_gelu},
                                               {"silu", Unary::silu},
                                               {"sigmoid", Unary::sigmoid},
                                               {"tanh", Unary::tanh},
                                               {"erf", Unary::erf}};
  const std::pair<const char*, Unary> positive[] = {
      {"log", Unary::log}, {"sqrt", Unary::sqrt}, {"reciprocal", Unary::reciprocal}};
  // Functions with a kink, on both sides of it but not near it: at 0, and at the bound of 0.25.
  const std::pair<const char*, Unary> kinked[] = {
      {"relu", Unary::relu}, {"abs", Unary::abs}, {"clamp_min", Unary::clamp_min}, {"clamp_max", Unary::clamp_max}};
  for (const Shape& shape : {Shape{4, 7, 5}, Shape{}, Shape{1}, Shape{0}, Shape{17}}) {
    for (const auto& [name, op] : any)
      cases.add(std::string(name) + shape.str(), {cases.normal(shape)}, [op = op](In x) { return unary(op, x[0]); });
    for (const auto& [name, op] : positive)
      cases.add(std::string(name) + shape.str(), {cases.positive(shape)}, [op = op](In x) { return unary(op, x[0]); });
    for (const auto& [name, op] : kinked) {
      Tensor away = cases.normal(shape);
      for (Index i = 0; i < away.size(); ++i) {
        real& v = away.data()[i];
        for (real kink : {real(0), real(0.25)})
          if (v > kink - real(0.05) && v < kink + real(0.05)) v += real(0.5);
      }
      cases.add(std::string(name) + shape.str(), {away},
                [op = op](In x) { return unary(op, x[0], op == Unary::relu ? 0 : real(0.25)); });
    }
    cases.add("affine" + shape.str(), {cases.normal(shape)}, [](In x) { return affine(x[0], real(1.5), real(-0.5)); });
    cases.add("clamp" + shape.str(), {cases.positive(shape)}, [](In x) { return clamp(x[0], real(0.1), 3); });
  }
}

}  // namespace fu
