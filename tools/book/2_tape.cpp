// Chapter 2: the tape, first on numbers, then on tensors.
#include <cstdio>
#include <vector>

#include "autograd/check_gradients.h"
#include "autograd/ops.h"
#include "core/pool.h"
#include "layers/activation.h"
#include "layers/linear.h"
#include "layers/sequential.h"
#include "tools/book/2_tape_scalar.h"
#include "tools/book/book.h"

using namespace fu;
using namespace fu::book;

namespace {

void example() {
  //! [example]
  using scalar::Value;
  scalar::tape.clear();
  const Value w = scalar::variable(0.5), b = scalar::variable(-0.3), x{2};  // x is a constant
  const Value y = tanh(w * x + b);
  const Value loss = y * y + w;  // y is used twice, w in two places
  const std::vector<double> d = scalar::gradients(loss);
  //! [example]
  const char* names[] = {"w", "b", "w x", "w x + b", "y = tanh", "y y", "loss"};
  for (std::size_t i = 0; i < scalar::tape.size(); ++i) {
    const scalar::Node& n = scalar::tape[i];
    std::printf("node %zu  %-9s reads", i, names[i]);
    for (int k = 0; k < 2; ++k)
      if (n.input[k] >= 0) std::printf("  %d (slope %6.3f)", n.input[k], n.slope[k]);
    std::printf("%*s gradient %6.3f\n", n.input[0] < 0 ? 36 : n.input[1] < 0 ? 18 : 0, "", d[i]);
  }
  const double h = 1e-5;
  const auto f = [](double weight) { return std::pow(std::tanh(weight * 2 - 0.3), 2) + weight; };
  std::printf("difference in w: (loss(w + h) - loss(w - h)) / 2h = %.3f\n", (f(0.5 + h) - f(0.5 - h)) / (2 * h));
}

constexpr Index kPoints = 64, kHidden = 8;

/// Points in two half circles that interlock, and which of them each belongs to: -1 or 1.
struct Moons {
  Tensor points = Tensor({kPoints, 2}), sides = Tensor({kPoints, 1});
  Moons() {
    Random random(5);
    for (Index i = 0; i < kPoints; ++i) {
      const real angle = random.uniform(0, real(3.14159)), side = i % 2 ? real(1) : real(-1);
      points.data()[2 * i] = std::cos(angle) * side + (i % 2 ? 0 : 1) - real(0.5) + real(0.1) * random.normal();
      points.data()[2 * i + 1] =
          std::sin(angle) * side - (i % 2 ? real(0.25) : real(-0.25)) + real(0.1) * random.normal();
      sides.data()[i] = side;
    }
  }
};

/// Weights and biases of three layers, the same for both engines.
struct Weights {
  Tensor w1, b1, w2, b2, w3, b3;
  Weights() {
    Random random(6);
    w1 = random.normal({kHidden, 2}), b1 = Tensor::zeros({kHidden});
    w2 = random.uniform({kHidden, kHidden}, real(-0.6), real(0.6)), b2 = Tensor::zeros({kHidden});
    w3 = random.uniform({1, kHidden}, real(-0.6), real(0.6)), b3 = Tensor::zeros({1});
  }
  std::vector<Tensor*> all() { return {&w1, &b1, &w2, &b2, &w3, &b3}; }
};

//! [scalar_layer]
std::vector<scalar::Value> layer(const std::vector<scalar::Value>& x, const scalar::Value* w, const scalar::Value* b,
                                 std::size_t outputs) {
  std::vector<scalar::Value> y;
  for (std::size_t o = 0; o < outputs; ++o) {
    scalar::Value sum = b[o];
    for (std::size_t i = 0; i < x.size(); ++i) sum = sum + w[o * x.size() + i] * x[i];
    y.push_back(tanh(sum));
  }
  return y;
}
//! [scalar_layer]

/// Steps of gradient descent, one number at a time. Returns the last loss.
double train_scalar(const Moons& data, Index steps) {
  Weights initial;
  std::vector<double> weights;
  std::vector<std::size_t> first;  // of each tensor's numbers in `weights`
  for (Tensor* t : initial.all()) {
    first.push_back(weights.size());
    for (Index i = 0; i < t->size(); ++i) weights.push_back(static_cast<double>(t->data()[i]));
  }
  double last = 0;
  for (Index step = 0; step < steps; ++step) {
    //! [scalar_step]
    scalar::tape.clear();
    std::vector<scalar::Value> w;
    for (const double value : weights) w.push_back(scalar::variable(value));
    scalar::Value loss;
    for (Index p = 0; p < kPoints; ++p) {
      const real* xy = data.points.data() + 2 * p;
      std::vector<scalar::Value> x = {{static_cast<double>(xy[0])}, {static_cast<double>(xy[1])}};
      x = layer(x, &w[first[0]], &w[first[1]], usize(kHidden));
      x = layer(x, &w[first[2]], &w[first[3]], usize(kHidden));
      x = layer(x, &w[first[4]], &w[first[5]], 1);
      const scalar::Value error = x[0] - scalar::Value{static_cast<double>(data.sides.data()[p])};
      loss = loss + error * error * scalar::Value{1.0 / kPoints};
    }
    const std::vector<double> d = scalar::gradients(loss);
    for (std::size_t i = 0; i < w.size(); ++i) weights[i] -= 0.2 * d[i];
    //! [scalar_step]
    last = loss.x;
  }
  return last;
}

/// The same with tensors.
double train_tensor(const Moons& data, Index steps, Index* nodes = nullptr) {
  Weights initial;
  double last = 0;
  //! [tensor]
  Parameter w1(initial.w1), b1(initial.b1), w2(initial.w2), b2(initial.b2), w3(initial.w3), b3(initial.b3);
  for (Index step = 0; step < steps; ++step) {
    Tape tape;
    Var x = tanh(linear(Var(data.points), w1, b1));
    x = tanh(linear(x, w2, b2));
    x = tanh(linear(x, w3, b3));
    const Var loss = mean(square(x - Var(data.sides)));
    backward(loss);
    for (Parameter* p : {&w1, &b1, &w2, &b2, &w3, &b3}) {
      p->set(p->value - p->grad * Tensor::full({}, real(0.2)));
      p->zero_grad();
    }
    last = static_cast<double>(loss.value.item());
    if (nodes) *nodes = tape.nodes();
  }
  //! [tensor]
  return last;
}

void moons() {
  const Moons data;
  for (const Index steps : {1, 10, 100, 300}) {
    const double numbers = train_scalar(data, steps), tensors = train_tensor(data, steps);
    std::printf("loss of step %3ld: %.3f by numbers, %.3f by tensors\n", static_cast<long>(steps), numbers, tensors);
  }
  Index nodes = 0;
  train_scalar(data, 1), train_tensor(data, 1, &nodes);
  std::printf("nodes of a step: %zu on the tape of numbers, %ld on the tape of tensors\n", scalar::tape.size(),
              static_cast<long>(nodes));
}

void moons_time() {
  const Moons data;
  const double numbers = best_seconds([&] { train_scalar(data, 100); }) / 100;
  const double tensors = best_seconds([&] { train_tensor(data, 100); }) / 100;
  std::printf("a step: %.0f us by numbers, %.0f us by tensors\n", numbers * 1e6, tensors * 1e6);
}

//! [custom]
/// log(1 + e^x), whose derivative is the logistic function.
Var softplus(const Var& x) {
  const Tensor y = unary(Unary::log, unary(Unary::affine, unary(Unary::exp, x.value), 1, 1));
  return record("softplus", {x}, y, [x = x.value](const Gradient& g) { g.add(0, g.dy * unary(Unary::sigmoid, x)); });
}
//! [custom]

void custom() {
  Random random(7);
  const GradientCheck check =
      check_gradients([](const std::vector<Var>& in) { return softplus(in[0]); }, {random.normal({3, 4})});
  std::printf("softplus: %ld gradients compared with differences, %ld differ\n", static_cast<long>(check.compared),
              static_cast<long>(check.differences.size()));
}

void broadcast() {
  //! [broadcast]
  Tape tape;
  const Var x = tape.watch(Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6})), bias = tape.watch(Tensor::zeros({3}));
  const Var y = x + bias;  // the bias is repeated for both rows
  tape.backward(y, Tensor::from({2, 3}, {1, 10, 100, 2, 20, 200}));
  const Tensor gradient = tape.gradient(bias);
  //! [broadcast]
  std::printf("gradient of the bias %s:", gradient.shape().str().c_str());
  for (Index i = 0; i < gradient.size(); ++i) std::printf(" %g", static_cast<double>(gradient.data()[i]));
  std::printf("\n");
}

void memory() {
  const Moons data;
  train_tensor(data, 3);
  const std::size_t before = pool_stats().system_calls;
  train_tensor(data, 100);
  std::printf("100 steps after the first asked the system for memory %zu times\n", pool_stats().system_calls - before);
}

void graphs() {
  const Moons data;
  Random random(8);
  {
    //! [trace]
    Sequential net;
    net.push<Linear>(2, 8, &random);
    net.push<Elementwise>(Unary::tanh);
    net.push<Linear>(8, 1, &random);
    Tape tape;
    tape.trace({true});  // before the computation; true: also the norms of gradients
    const Var loss = mean(square(net(Var(data.points)) - Var(data.sides)));
    backward(loss);
    write_figure("2-mlp.dot", tape.dot());
    std::printf("%s", tape.summary().c_str());
    //! [trace]
  }
  //! [attention]
  Linear queries(16, 16, &random), keys(16, 16, &random), values(16, 16, &random);
  const Tensor tokens = random.normal({10, 16});
  Tape tape;
  tape.trace({true});
  const auto part = [&](const char* name, const Linear& layer) {
    const NameScope scope(name);
    return layer(Var(tokens));
  };
  const Var q = part("queries", queries), k = part("keys", keys), v = part("values", values);
  Var weights;
  {
    const NameScope scope("weights");
    weights = softmax(affine(matmul(q, permute(k, {1, 0})), real(0.25)), -1);  // 0.25 = 1 / sqrt(16)
  }
  backward(mean(square(matmul(weights, v))));
  //! [attention]
  write_figure("2-attention.dot", tape.dot());
}

void errors() {
  Parameter w(Tensor::full({2}, 1));
  w.name = "w";
  Tape tape;
  const Var loss = sum(Var(w) * Var(w));
  w.set(Tensor::full({2}, 3));
  try {
    backward(loss);
  } catch (const UsageError& error) {
    std::printf("%s\n", error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run_sections(argc, argv,
                      {{"example", example},
                       {"moons", moons},
                       {"moons_time", moons_time},
                       {"custom", custom},
                       {"broadcast", broadcast},
                       {"memory", memory},
                       {"graphs", graphs},
                       {"errors", errors}});
}
