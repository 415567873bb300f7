// Hooks on gradients, and products with the Hessian.
#include "autograd/hessian_vector.h"
#include "autograd/ops.h"
#include "layers/linear.h"
#include "layers/sequential.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("hooks: called once, with the complete gradient") {
  Parameter p(Tensor::full({2}, 3));
  Tape tape;
  const Var x = square(Var(p));
  int calls = 0;
  tape.on_gradient(x, [&](Tensor& g) {
    ++calls;
    CHECK(g.data()[0] == 5);  // of both uses
  });
  const Var unused = exp(x);
  tape.on_gradient(unused, [&](Tensor&) { CHECK(false); });
  backward(sum(affine(x, 2) + affine(x, 3)));
  CHECK(calls == 1);
  CHECK(p.grad.data()[1] == 30);
}

TEST_CASE("hooks: what they assign goes on, one after another") {
  Parameter p(Tensor::full({2}, 3));
  Tape tape;
  const Var w(p), x = square(w), loss = sum(x);
  tape.on_gradient(x, [](Tensor& g) { g = unary(Unary::affine, g, 10); });
  tape.on_gradient(x, [](Tensor& g) {
    CHECK(g.data()[0] == 10);
    g = Tensor::from({2}, {1, 7});
  });
  tape.on_gradient(w, [](Tensor& g) { g = unary(Unary::affine, g, -1); });
  tape.on_gradient(loss, [](Tensor& g) { CHECK(g.item() == 1); });
  backward(loss);
  CHECK(p.grad.data()[0] == -6);
  CHECK(p.grad.data()[1] == -42);
}

TEST_CASE("hooks: of a parameter, they see what this tape adds") {
  Parameter p(Tensor::full({2}, 3)), q(Tensor::full({2}, 1));
  for (int i = 0; i < 3; ++i) {
    Tape tape;
    tape.on_gradient(Var(p), [](Tensor& g) {
      CHECK(g.data()[0] == 1);
      g = unary(Unary::affine, g, 2);
    });
    tape.on_gradient(Var(q), [](Tensor&) { CHECK(false); });
    q.grad = Tensor::full({2}, 9);
    backward(sum(Var(p)));
    CHECK(q.grad.data()[0] == 9);
  }
  CHECK(p.grad.data()[1] == 6);
}

TEST_CASE("hooks: what is refused") {
  Tape tape;
  const Var x = tape.watch(Tensor::full({2}, 1));
  const auto nothing = [](Tensor&) {};
  CHECK(contains(message_of([&] { tape.on_gradient(Var(Tensor::full({3}, 1)), nothing); }),
                 "[on_gradient] the value (3) is not recorded on this tape"));
  tape.on_gradient(x, [](Tensor& g) { g = Tensor::zeros({5}); });
  CHECK(contains(message_of([&] { backward(sum(x)); }),
                 "[on_gradient] the function made a gradient (5) for a value (2): must keep the shape"));
  CHECK(contains(message_of([&] { tape.on_gradient(x, nothing); }), "has run backward already"));
}

TEST_CASE("hessian: products with a direction") {
  // L = 1/2 x' A x with A = ((2,1),(1,3)): H v = A v, and differences are exact but for rounding.
  Parameter x(Tensor::from({1, 2}, {real(0.5), -1}));
  x.grad = Tensor::full({1, 2}, 4);
  const Tensor a = Tensor::from({2, 2}, {2, 1, 1, 3}), v = Tensor::from({1, 2}, {1, 2});
  const std::vector<Tensor> product =
      hessian_vector_product([&] { return affine(sum(linear(Var(x), a, Tensor()) * Var(x)), real(0.5)); }, {&x}, {v});
  REQUIRE(product.size() == 1);
  const double close = sizeof(real) == 8 ? 1e-9 : 1e-3;
  CHECK(static_cast<double>(product[0].data()[0]) == doctest::Approx(4).epsilon(close));
  CHECK(static_cast<double>(product[0].data()[1]) == doctest::Approx(7).epsilon(close));
  CHECK(x.value.data()[0] == real(0.5));
  CHECK(x.grad.data()[0] == 4);

  // Of a network: u' H v = v' H u, and zero along zero.
  Random random(1);
  Sequential net;
  net.push<Linear>(3, 5, &random);
  net.push<Linear>(5, 2, &random);
  const Tensor in = random.normal({4, 3});
  const std::vector<Parameter*> parameters = net.parameters();
  std::vector<Tensor> u, w, zero;
  for (const Parameter* p : parameters) {
    u.push_back(random.normal(p->value.shape()));
    w.push_back(random.normal(p->value.shape()));
    zero.push_back(Tensor::zeros(p->value.shape()));
  }
  const auto loss = [&] { return mean(square(tanh(net(Var(in))))); };
  const auto dot = [](const std::vector<Tensor>& a_list, const std::vector<Tensor>& b_list) {
    double total = 0;
    for (std::size_t i = 0; i < a_list.size(); ++i) total += static_cast<double>(sum(a_list[i] * b_list[i]).item());
    return total;
  };
  const double uhw = dot(u, hessian_vector_product(loss, parameters, w)),
               whu = dot(w, hessian_vector_product(loss, parameters, u));
  MESSAGE("u'Hw " << uhw << ", w'Hu " << whu);
  CHECK(std::abs(uhw) > 0.01);
  CHECK(uhw == doctest::Approx(whu).epsilon(sizeof(real) == 8 ? 1e-6 : 2e-2));
  CHECK(dot(u, hessian_vector_product(loss, parameters, zero)) == 0);
  CHECK(contains(message_of([&] { hessian_vector_product(loss, parameters, {u[0]}); }),
                 "[hessian_vector_product] 1 tensors of a direction for 4 parameters"));
  std::swap(u[0], u[1]);
  CHECK(contains(message_of([&] { hessian_vector_product(loss, parameters, u); }), "must have its shape"));
}
