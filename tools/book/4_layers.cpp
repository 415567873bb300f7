// Chapter 4: checks the derived gradients, compares with the library, and draws.
#include "tools/book/4_layers.h"

#include <cmath>
#include <cstdio>

#include "autograd/check_gradients.h"
#include "core/pool.h"
#include "tools/book/book.h"
#include "tools/media/line_chart.h"

using namespace fu;
using namespace fu::book;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return largest;
}

void report(const char* name, const GradientCheck& check, double difference) {
  std::printf("%s: %ld gradients compared with differences, %ld differ; equal to the library's within 1e-5: %s\n", name,
              static_cast<long>(check.compared), static_cast<long>(check.differences.size()),
              difference < 1e-5 ? "yes" : "no");
}

void layer_norm_check() {
  Random random(1);
  const Tensor x = random.normal({4, 6}), w = random.normal({6}), b = random.normal({6});
  const real eps = real(1e-5);
  //! [check]
  const auto f = [&](const std::vector<Var>& in) { return plain_layer_norm(in[0], in[1], in[2], eps); };
  const GradientCheck check = check_gradients(f, {x, w, b});
  //! [check]
  report("layer norm", check, largest_difference(f({x, w, b}).value, layer_norm(x, w, b, eps)));
}

//! [wrong]
/// A layer norm without weights whose backward forgets that the deviation depends on x.
Var wrong_layer_norm(const Var& x) {
  const Tensor one = Tensor::full({x.dim(1)}, 1), zero = Tensor::zeros({x.dim(1)});
  const Tensor y = layer_norm(x.value, one, zero, real(1e-5));
  return record("wrong", {x}, y, [x = x.value](const Gradient& g) {
    const Tensor m = mean(x, 1), s = unary(Unary::sqrt, mean(unary(Unary::square, x - m), 1));
    g.add(0, (g.dy - mean(g.dy, 1)) / s);
  });
}
//! [wrong]

void wrong() {
  Random random(1);
  const GradientCheck check =
      check_gradients([](const std::vector<Var>& in) { return wrong_layer_norm(in[0]); }, {random.normal({2, 3})});
  std::printf("%ld compared, %ld differ; the worst:\n", static_cast<long>(check.compared),
              static_cast<long>(check.differences.size()));
  const GradientDifference& d = check.differences.front();
  std::printf("%s %s, element (%ld,%ld): expected %.2f, got %.2f\n", d.name.c_str(), d.shape.str().c_str(),
              static_cast<long>(d.place[0]), static_cast<long>(d.place[1]), d.expected, d.got);
}

void softmax_check() {
  Random random(2);
  const Tensor x = random.normal({4, 6}), t = Tensor::from({}, {real(0.7)});
  const auto f = [](const std::vector<Var>& in) { return plain_softmax(in[0], in[1]); };
  report("softmax", check_gradients(f, {x, t}), largest_difference(f({x, t}).value, softmax(x, -1, real(0.7))));
}

void temperatures() {
  const Tensor x = Tensor::from({1, 5}, {3, 2, 1, 0, -1});
  LineChart chart{"softmax of (3, 2, 1, 0, -1)",
                  "temperature",
                  "weight",
                  "Cold: the largest number takes all. Hot: all are alike.",
                  {}};
  chart.log_x = true;
  for (const char* name : {"x = 3", "x = 2", "x = 1", "x = 0", "x = -1"}) chart.lines.push_back({name, {}, {}});
  for (double t = 0.1; t < 31; t *= std::pow(10, 0.05)) {
    const Tensor y = softmax(x, -1, static_cast<real>(t));
    for (std::size_t i = 0; i < 5; ++i) {
      chart.lines[i].x.push_back(t);
      chart.lines[i].y.push_back(static_cast<double>(y.data()[i]));
    }
  }
  write_line_chart(figure("4-temperature.svg"), chart);
  for (const real t : {real(0.1), real(1), real(10)}) {
    const Tensor y = softmax(x, -1, t);
    std::printf("temperature %4.1f:", static_cast<double>(t));
    for (Index i = 0; i < 5; ++i) std::printf(" %.3f", static_cast<double>(y.data()[i]));
    std::printf("\n");
  }
}

void attention_check() {
  constexpr Index n = 5, d = 4;
  Random random(3);
  const Tensor q = random.normal({n, d}), k = random.normal({n, d}), v = random.normal({n, d});
  const auto f = [](const std::vector<Var>& in) { return plain_attention(in[0], in[1], in[2]); };
  // The library takes queries, keys and values side by side.
  const Tensor ours = attention(concat({q, k, v}, 1).reshape({1, n, 3 * d}), 1);
  report("attention", check_gradients(f, {q, k, v}), largest_difference(f({q, k, v}).value, ours.reshape({n, d})));
}

void attention_memory() {
  constexpr Index n = 4096, d = 64;
  Random random(3);
  const Tensor q = random.normal({n, d}), k = random.normal({n, d}), v = random.normal({n, d});
  const Tensor qkv = concat({q, k, v}, 1).reshape({1, n, 3 * d});
  const auto peak = [](const auto& f) {
    reset_pool_peak();
    const std::size_t before = pool_stats().live;
    Tape tape;
    const Var y = f(tape);
    tape.backward(y, Tensor::full(y.shape(), 1));
    return static_cast<double>(pool_stats().peak_live - before) / 1e6;
  };
  std::printf("%ld tokens of %ld channels; the weights would be %.0f MB\n", static_cast<long>(n), static_cast<long>(d),
              static_cast<double>(n * n) * sizeof(real) / 1e6);
  std::printf("the library's attention, forward and backward, needs at most %.0f MB\n",
              peak([&](Tape& tape) { return attention(tape.watch(qkv), 1); }));
}

void gelu_check() {
  Random random(4);
  const Tensor x = random.normal({4, 6});
  const auto f = [](const std::vector<Var>& in) { return plain_gelu(in[0]); };
  report("GELU", check_gradients(f, {x}), largest_difference(f({x}).value, unary(Unary::gelu, x)));
}

void gelu_curves() {
  LineChart chart{"GELU and its derivative", "x", "", "ReLU has a corner at 0; GELU has none.", {}};
  chart.lines = {{"GELU", {}, {}}, {"derivative of GELU", {}, {}}, {"ReLU", {}, {}}, {"x sigmoid(1.702 x)", {}, {}}};
  double tanh_error = 0, quick_error = 0;
  for (int i = -80; i <= 80; ++i) {
    const Tensor x = Tensor::from({1}, {real(0.05) * static_cast<real>(i)});
    Tape tape;
    const Var in = tape.watch(x), y = gelu(in);
    tape.backward(y, Tensor::full({1}, 1));
    const real curves[] = {y.value.item(), tape.gradient(in).item(), unary(Unary::relu, x).item(),
                           unary(Unary::quick_gelu, x).item()};
    for (std::size_t c = 0; c < 4; ++c) {
      chart.lines[c].x.push_back(static_cast<double>(x.item()));
      chart.lines[c].y.push_back(static_cast<double>(curves[c]));
    }
    const auto error = [&](Unary op) { return largest_difference(unary(op, x), unary(Unary::gelu, x)); };
    tanh_error = std::max(tanh_error, error(Unary::tanh_gelu));
    quick_error = std::max(quick_error, error(Unary::quick_gelu));
  }
  write_line_chart(figure("4-gelu.svg"), chart);
  std::printf("largest difference from GELU on [-4, 4]: with tanh %.4f, with the logistic function %.3f\n", tanh_error,
              quick_error);
}

}  // namespace

int main(int argc, char** argv) {
  return run_sections(argc, argv,
                      {{"layer_norm", layer_norm_check},
                       {"wrong", wrong},
                       {"softmax", softmax_check},
                       {"temperatures", temperatures},
                       {"attention", attention_check},
                       {"attention_memory", attention_memory},
                       {"gelu", gelu_check},
                       {"gelu_curves", gelu_curves}});
}
