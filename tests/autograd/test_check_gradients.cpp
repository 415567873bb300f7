// The check of gradients: it passes what is right, and names what is wrong.
#include "autograd/check_gradients.h"
#include "autograd/ops.h"
#include "layers/linear.h"
#include "layers/sequential.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// x^2, whose backward is wrong at one element by a factor.
Var square_wrong_at(const Var& x, Index element, real factor) {
  return record("square", {x}, x.value * x.value, [x = x.value, element, factor](const Gradient& g) {
    Tensor dx = unary(Unary::affine, x * g.dy, 2);
    if (element >= 0) dx.data()[element] *= factor;
    g.add(0, dx);
  });
}

/// The product of two tensors that forgets the gradient of its second one.
Var forgetful_product(const Var& a, const Var& b) {
  return record("product", {a, b}, a.value * b.value, [b = b.value](const Gradient& g) { g.add(0, g.dy * b); });
}

}  // namespace

TEST_CASE("check_gradients: what is right passes, of any shape") {
  Random random(1);
  const Tensor a = random.normal({2, 3}), b = random.normal({4, 3});
  for (const Index directions : {0, 2}) {
    GradientCheckOptions options;
    options.directions = directions;
    const GradientCheck check = check_gradients(
        [](const std::vector<Var>& x) { return softmax(linear(x[0], x[1], Tensor()), -1); }, {a, b}, options);
    CHECK_MESSAGE(check.ok(), check.text());
    CHECK(check.compared == (directions > 0 ? 4 : 18));
    CHECK(check.worst <= 1);
    CHECK(contains(check.text(), directions > 0 ? "all 4 agree" : "all 18 agree"));
  }
  // A result of one number is checked as it is, also at 0 and for inputs of any size.
  for (const real size : {real(1e-3), real(1), real(1e4)}) {
    const GradientCheck check =
        check_gradients([](const std::vector<Var>& x) { return sum(square(x[0])); }, {unary(Unary::affine, a, size)});
    CHECK_MESSAGE(check.ok(), check.text());
  }
  CHECK(check_gradients([](const std::vector<Var>& x) { return sum(sin(x[0])); }, {Tensor::zeros({3})}).ok());
}

TEST_CASE("check_gradients: a wrong element is named, with what it is and what it should be") {
  Random random(2);
  const Tensor a = random.uniform({2, 3}, 1, 2), b = random.uniform({2, 3}, 1, 2);
  const double expected = 2 * static_cast<double>(b.data()[5]);
  for (const Index directions : {0, 3}) {
    GradientCheckOptions options;
    options.directions = directions;
    const GradientCheck check = check_gradients(
        [](const std::vector<Var>& x) { return sum(x[0] + square_wrong_at(x[1], 5, real(1.5))); }, {a, b}, options);
    REQUIRE(check.differences.size() == 1);
    const GradientDifference& d = check.differences.front();
    CHECK(d.input == 1);
    CHECK(d.name == "input 1");
    CHECK(d.place == std::vector<Index>{1, 2});
    CHECK(d.expected == doctest::Approx(expected).epsilon(0.01));
    CHECK(d.got == doctest::Approx(1.5 * expected).epsilon(0.01));
    CHECK(check.worst > 1);
    CHECK(contains(check.text(), "input 1 (2,3), element (1,2): expected "));
  }
  const auto right = [](const std::vector<Var>& x) { return sum(square_wrong_at(x[0], -1, 1)); };
  CHECK(check_gradients(right, {a}).ok());
}

TEST_CASE("check_gradients: a forgotten gradient, one that is not a number, and many at once") {
  Random random(3);
  const Tensor a = random.uniform({3, 5}, 1, 2), b = random.uniform({3, 5}, 1, 2);
  const GradientCheck forgotten =
      check_gradients([](const std::vector<Var>& x) { return forgetful_product(x[0], x[1]); }, {a, b});
  CHECK(forgotten.differences.size() == 15);
  CHECK(contains(forgotten.text(), "15 of 30 differ"));
  CHECK(contains(forgotten.text(), ", got 0;"));
  CHECK(contains(forgotten.text(), "and 5 more"));
  const GradientCheck nan = check_gradients(
      [](const std::vector<Var>& x) { return square_wrong_at(x[0], 4, std::numeric_limits<real>::quiet_NaN()); }, {a});
  REQUIRE(nan.differences.size() == 1);
  CHECK(nan.differences.front().place == std::vector<Index>{0, 4});
  CHECK(std::isinf(nan.worst));
}

TEST_CASE("check_gradients: the parameters of a module, which stay as they were") {
  Random random(4);
  Sequential net;
  net.push<Linear>(3, 4, &random);
  net.push<Linear>(4, 2, &random);
  const Tensor x = random.normal({5, 3});
  std::vector<Tensor> values;
  for (Parameter* p : net.parameters()) values.push_back(p->value), p->grad = Tensor::full(p->value.shape(), 7);
  const GradientCheck check = check_gradients([&] { return tanh(net(Var(x))); }, net.parameters());
  CHECK_MESSAGE(check.ok(), check.text());
  CHECK(check.compared == 16 + 10);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Parameter& p = *net.parameters()[i];
    CHECK(same_bits(p.value, values[i]));
    CHECK(p.value.data() == values[i].data());
    CHECK(p.grad.data()[0] == 7);
  }
  Parameter& bias = *net.parameters()[1];
  const GradientCheck wrong =
      check_gradients([&] { return square_wrong_at(Var(bias), 2, 3); }, {net.parameters()[0], &bias});
  REQUIRE(wrong.differences.size() == 1);
  CHECK(contains(wrong.text(), "parameter '0.bias' (4), element (2): expected"));
  // Parameters beside the inputs are constants: they get no gradient.
  bias.zero_grad();
  CHECK(check_gradients([&](const std::vector<Var>& in) { return in[0] * Var(bias); }, {random.normal({4})}).ok());
  CHECK(!bias.has_grad());
  bias.trainable = false;
  CHECK(contains(message_of([&] { check_gradients([&] { return Var(bias); }, {&bias}); }),
                 "[check_gradients] parameter '0.bias' (4) is not trainable"));
}

TEST_CASE("check_gradients: functions that cannot be checked are refused") {
  const Tensor x = Tensor::full({3}, 1);
  Random random(5);
  const std::string dice = message_of(
      [&] { check_gradients([&](const std::vector<Var>& in) { return dropout(in[0], real(0.5), random); }, {x}); });
  CHECK(contains(dice, "[check_gradients] f gives two results for the same inputs"));
  const std::string cut =
      message_of([&] { check_gradients([](const std::vector<Var>& in) { return in[0].detach(); }, {x}); });
  CHECK(contains(cut, "[check_gradients] the result (3) is not tracked"));
}
