// Backward passes of single ops, and adaptive convolution in both directions.
#include <memory>

#include "autograd/ops.h"
#include "core/random.h"
#include "tools/lab/bench_case.h"

namespace fu {

namespace {

/// Backward of y = f(inputs), all inputs tracked; the recording is not timed.
BenchRun backward_of(const std::vector<Tensor>& inputs, const std::function<Var(const std::vector<Var>&)>& f,
                     double gflop) {
  struct State {
    std::vector<std::unique_ptr<Parameter>> parameters;
    std::unique_ptr<Tape> tape;
    Var y;
    Tensor dy;
  };
  const auto state = std::make_shared<State>();
  for (const Tensor& t : inputs) state->parameters.push_back(std::make_unique<Parameter>(t));
  const auto record = [state, f] {
    state->y = Var();
    state->tape = nullptr;
    state->tape = std::make_unique<Tape>();
    std::vector<Var> vars;
    for (const auto& p : state->parameters) {
      p->zero_grad();
      vars.emplace_back(*p);
    }
    state->y = f(vars);
    if (state->dy.shape() != state->y.shape()) state->dy = Tensor::full(state->y.shape(), 1);
  };
  return {[state] { backward(state->y, state->dy); }, gflop, record};
}

BenchRun linear_backward(Index m, Index k, Index n) {
  Random random(2);
  return backward_of(
      {random.uniform({m, k}, -1, 1), random.uniform({n, k}, -1, 1), random.uniform({n}, -1, 1)},
      [](const std::vector<Var>& x) { return linear(x[0], x[1], x[2]); },
      4e-9 * static_cast<double>(m * n) * static_cast<double>(k));
}

/// Adaptive convolution of 224x224 pixels, radius 3: its forward pass (which = 0), its gradient with respect to the
/// input (1) or to the kernels (2).
BenchRun adaptive_convolution(Index channels, int which) {
  Random random(2);
  const Shape image{1, 224, 224, channels};
  const Tensor x = random.uniform(image, -1, 1), k = random.uniform({1, 224, 224, 49}, -1, 1);
  const double gflop = 2e-9 * 224 * 224 * 49 * static_cast<double>(channels);
  if (which == 0) return {[=] { adaptive_conv(x, k); }, gflop};
  if (which == 1)
    return backward_of(
        {x}, [k](const std::vector<Var>& in) { return adaptive_conv(in[0], k); }, gflop);
  return backward_of(
      {k}, [x](const std::vector<Var>& in) { return adaptive_conv(x, in[0]); }, gflop);
}

BenchRun attention_backward(Index tokens, Index heads) {
  Random random(2);
  const double n = static_cast<double>(tokens);
  return backward_of(
      {random.uniform({1, tokens, 3 * 64 * heads}, -1, 1)},
      [heads](const std::vector<Var>& x) { return attention(x[0], heads); },
      1e-9 * 5 * 2 * n * n * 64 * static_cast<double>(heads));
}

}  // namespace

std::vector<BenchCase> bench_gradients() {
  return {
      {"linear_backward_50176x303x128", [] { return linear_backward(50176, 303, 128); }},
      {"linear_backward_50176x128x128", [] { return linear_backward(50176, 128, 128); }},
      {"linear_backward_1024", [] { return linear_backward(1024, 1024, 1024); }},
      {"adaptive_conv_384", [] { return adaptive_convolution(384, 0); }},
      {"adaptive_conv_384_dx", [] { return adaptive_convolution(384, 1); }},
      {"adaptive_conv_384_dk", [] { return adaptive_convolution(384, 2); }},
      {"adaptive_conv_31_dx", [] { return adaptive_convolution(31, 1); }},
      {"adaptive_conv_31_dk", [] { return adaptive_convolution(31, 2); }},
      {"attention_backward_785x6", [] { return attention_backward(785, 6); }},
  };
}

}  // namespace fu
