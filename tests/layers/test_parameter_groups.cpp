// SGD's variants by PyTorch's formula, groups of parameters, and gradients that are added up over several passes.
#include "autograd/ops.h"
#include "core/files/weights.h"
#include "layers/linear.h"
#include "layers/optimizer.h"
#include "layers/sequential.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

double value(const Parameter& p) { return static_cast<double>(p.value.data()[0]); }

}  // namespace

TEST_CASE("SGD: momentum, dampening, nesterov, weight decay") {
  for (const SgdOptions& o : {SgdOptions{}, SgdOptions{0.9, 0, 0.01, false}, SgdOptions{0.9, 0.3, 0.01, false},
                              SgdOptions{0.9, 0, 0.01, true}, SgdOptions{0, 0.3, 0, false}}) {
    CAPTURE(o.dampening);
    CAPTURE(o.nesterov);
    Parameter p(Tensor::full({40000}, 1));  // several parts of parallel work
    Sgd sgd({&p}, 0.1, o);
    double expected = 1, buffer = 0;
    for (int step = 0; step < 5; ++step) {
      p.grad = Tensor::full({40000}, static_cast<real>(step + 1));
      sgd.step();
      const double g = step + 1 + o.weight_decay * expected;
      buffer = step == 0 ? g : o.momentum * buffer + (1 - o.dampening) * g;
      expected -= 0.1 * (o.nesterov ? g + o.momentum * buffer : buffer);
    }
    CHECK(value(p) == doctest::Approx(expected).epsilon(1e-5));
    CHECK(p.value.data()[39999] == p.value.data()[0]);
  }
  // Two steps by hand: v = 2, p = 1 - 0.1 (2 + 0.5 * 2) = 0.7; v = 0.5 * 2 + 4 = 5, p = 0.7 - 0.1 (4 + 0.5 * 5) = 0.05.
  Parameter p(Tensor::full({1}, 1));
  Sgd sgd({&p}, 0.1, SgdOptions{0.5, 0, 0, true});
  p.grad = Tensor::full({1}, 2), sgd.step();
  CHECK(value(p) == doctest::Approx(0.7));
  p.grad = Tensor::full({1}, 4), sgd.step();
  CHECK(value(p) == doctest::Approx(0.05));
  CHECK(contains(message_of([&] { Sgd({&p}, 0.1, SgdOptions{0, 0, 0, true}); }), "[sgd] nesterov with momentum 0"));
  CHECK(contains(message_of([&] { Sgd({&p}, 0.1, SgdOptions{0.9, 0.1, 0, true}); }), "dampening 0.1"));
}

TEST_CASE("parameter groups: each moves as in an optimizer of its own") {
  Random random(1);
  const Tensor start = random.normal({7}), gradient = random.normal({7});
  const auto run = [&](const auto& make_first, const auto& make_second) {
    Parameter a(start.clone()), b(start.clone()), c(start.clone()), d(start.clone());
    const std::unique_ptr<Optimizer> both = make_first(std::vector<Parameter*>{&a});
    both->add_group({{&b}, 0.5, 0.0});
    CHECK(both->groups() == 2);
    const std::unique_ptr<Optimizer> first = make_first(std::vector<Parameter*>{&c}),
                                     second = make_second(std::vector<Parameter*>{&d});
    for (int step = 0; step < 4; ++step) {
      for (Parameter* p : {&a, &b, &c, &d}) p->grad = gradient;
      if (step == 2) both->group(1).lr_scale = 0.25, second->lr *= 0.5;
      both->step(), first->step(), second->step();
    }
    CHECK(same_bits(a.value, c.value));
    CHECK(same_bits(b.value, d.value));
    CHECK(!same_bits(a.value, b.value));
  };
  using List = std::vector<Parameter*>;
  run([](const List& list) { return std::make_unique<Sgd>(list, 0.1, 0.9, 0.01); },
      [](const List& list) { return std::make_unique<Sgd>(list, 0.05, 0.9, 0); });
  for (const auto kind : {Adam::Kind::adam, Adam::Kind::adamw, Adam::Kind::nadam})
    run(
        [&](const List& list) {
          return std::make_unique<Adam>(kind, list, 0.1, AdamOptions{0.9, 0.999, 1e-8, 0.1});
        },
        [&](const List& list) { return std::make_unique<Adam>(kind, list, 0.05); });
}

TEST_CASE("parameter groups: files are those of one list, and what is refused") {
  const TempFolder folder;
  Parameter a(Tensor::full({2}, 1)), b(Tensor::full({3}, 1));
  Adam list(Adam::Kind::adam, {&a, &b}, 0.1);
  a.grad = Tensor::full({2}, 1), b.grad = Tensor::full({3}, 2);
  list.step();
  std::map<std::string, Tensor> before, after;
  list.save(before, "o.");
  write_safetensors(folder / "state.safetensors", before);
  Adam groups(Adam::Kind::adam, {&a}, 0.1);
  groups.add_group({{&b}, 0.1, {}});
  groups.load(Weights(folder / "state.safetensors"), "o.");
  groups.save(after, "o.");
  REQUIRE(before.size() == after.size());
  for (const auto& [name, tensor] : before) CHECK(relative_error(after.at(name), tensor) <= 1e-7);
  CHECK(contains(message_of([&] { groups.add_group({}); }), "[optimizer] a group was added behind 1 steps"));
  Adam fresh(Adam::Kind::adam, {&a}, 0.1);
  CHECK(contains(message_of([&] { fresh.add_group({{&b, &a}, 1, {}}); }), "is given twice"));
  CHECK(contains(message_of([&] { fresh.add_group({{&b, &b}, 1, {}}); }), "is given twice"));
  fresh.add_group({{&b}, 1, {}});  // the refused groups left nothing behind
  CHECK(fresh.groups() == 2);
}

TEST_CASE("gradient accumulation: parts of a batch, each with its share of the loss, give the gradient of the whole") {
  Random random(2);
  Sequential net;
  net.push<Linear>(5, 8, &random);
  net.push<Linear>(8, 3, &random);
  const Tensor x = random.normal({12, 5}), target = random.normal({12, 3});
  const auto loss = [&](Index begin, Index end) {
    return mean(square(tanh(net(Var(x.slice(begin, end)))) - Var(target.slice(begin, end))));
  };
  std::vector<Tensor> whole;
  {
    Tape tape;
    backward(loss(0, 12));
    for (Parameter* p : net.parameters()) whole.push_back(p->grad), p->zero_grad();
  }
  for (Index part = 0; part < 4; ++part) {
    Tape tape;  // one for each part: only its values are in memory
    backward(affine(loss(3 * part, 3 * part + 3), real(0.25)));
  }
  for (std::size_t i = 0; i < whole.size(); ++i)
    CHECK(relative_error(net.parameters()[i]->grad, whole[i]) <= (sizeof(real) == 8 ? 1e-14 : 1e-6));
}
