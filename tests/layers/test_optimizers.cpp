// Optimizers beyond the golden trajectories: state, clipping, schedules.
#include "core/files/weights.h"
#include "core/ops.h"
#include "layers/optimizer.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Gradient of the step, a function of the step alone.
Tensor gradient_at(int step, const Shape& shape) {
  Random random(100 + static_cast<std::uint64_t>(step));
  return random.normal(shape);
}

}  // namespace

TEST_CASE("optimizers: SGD by its formula") {
  Parameter p(Tensor::full({2}, 1));
  Sgd sgd({&p}, 0.1, 0.9, 0.01);
  double value = 1, velocity = 0;
  for (int i = 0; i < 5; ++i) {
    p.grad = Tensor::full({2}, static_cast<real>(i));
    sgd.step();
    velocity = 0.9 * velocity + i + 0.01 * value;
    value -= 0.1 * velocity;
  }
  CHECK(static_cast<double>(p.value.data()[1]) == doctest::Approx(value).epsilon(1e-5));
}

TEST_CASE("optimizers: saved and loaded, they go on exactly") {
  const TempFolder folder;
  const Shape shape{3, 5};
  for (int kind = 0; kind < 4; ++kind) {
    CAPTURE(kind);
    const auto make = [&](Parameter& p) -> std::unique_ptr<Optimizer> {
      if (kind == 3) return std::make_unique<Sgd>(std::vector<Parameter*>{&p}, 0.1, 0.9);
      return std::make_unique<Adam>(static_cast<Adam::Kind>(kind), std::vector<Parameter*>{&p}, 0.01,
                                    AdamOptions{0.9, 0.999, 1e-8, 0.02});
    };
    const auto run = [&](Parameter& p, Optimizer& o, int from, int to) {
      for (int i = from; i < to; ++i) {
        p.grad = gradient_at(i, shape);
        o.step();
      }
    };
    Parameter whole(Tensor::full(shape, 1)), first(Tensor::full(shape, 1));
    const auto a = make(whole), b = make(first);
    run(whole, *a, 0, 8);
    run(first, *b, 0, 5);
    std::map<std::string, Tensor> tensors{{"p", first.value}};
    b->save(tensors, "optimizer.");
    write_safetensors(folder / "state.safetensors", tensors);

    const Weights file(folder / "state.safetensors");
    Parameter second(file.read("p"));
    const auto c = make(second);
    c->load(file, "optimizer.");
    CHECK(c->steps() == 5);
    run(second, *c, 5, 8);
    CHECK(relative_error(second.value, whole.value) <= (sizeof(real) == 8 ? 1e-5 : 0));  // files hold floats
    Parameter other(Tensor::full({2}, 1));
    const auto d = make(other);
    CHECK(contains(message_of([&] { d->load(file, "optimizer."); }), "expected (2)"));
  }
}

TEST_CASE("optimizers: states of several parameters, and what is refused") {
  const TempFolder folder;
  Parameter a(Tensor::full({2}, 1)), b(Tensor::full({2}, 1));
  a.name = b.name = "weight";  // as two modules' may be
  const auto run = [](Parameter& p, Parameter& q, Optimizer& o, int from, int to) {
    for (int i = from; i < to; ++i) {
      p.grad = gradient_at(i, {2});
      q.grad = gradient_at(i + 50, {2});
      o.step();
    }
  };
  Adam whole(Adam::Kind::adam, {&a, &b}, 0.1);
  run(a, b, whole, 0, 3);
  std::map<std::string, Tensor> tensors{{"a", a.value.clone()}, {"b", b.value.clone()}};
  whole.save(tensors, "");
  write_safetensors(folder / "state.safetensors", tensors);
  run(a, b, whole, 3, 6);
  const Weights file(folder / "state.safetensors");
  Parameter c(file.read("a")), d(file.read("b"));
  Adam again(Adam::Kind::adam, {&c, &d}, 0.1);
  again.load(file, "");
  run(c, d, again, 3, 6);
  CHECK(relative_error(c.value, a.value) <= (sizeof(real) == 8 ? 1e-5 : 0));
  CHECK(relative_error(d.value, b.value) <= (sizeof(real) == 8 ? 1e-5 : 0));

  CHECK(contains(message_of([&] { Sgd({&a, &b, &a}, 1); }), "[optimizer] parameter 'weight' (2) is given twice"));
  a.set(Tensor::full({5}, 1));
  a.grad = Tensor::full({5}, 1);
  CHECK(contains(message_of([&] { whole.step(); }), "[optimizer] parameter 'weight' is (5) now and was (2)"));
  tensors["step"] = Tensor::from({2}, {-1, 0});
  write_safetensors(folder / "bad.safetensors", tensors);
  CHECK(contains(message_of([&] { again.load(Weights(folder / "bad.safetensors"), ""); }), "no count of steps"));
}

TEST_CASE("optimizers: clipping, constants, and who else holds a value") {
  Parameter a(Tensor::full({4}, 1)), b(Tensor::full({9}, 1)), fixed(Tensor::full({2}, 1));
  fixed.trainable = false;
  Sgd sgd({&a, &b, &fixed}, 1);
  a.grad = Tensor::full({4}, 3);
  b.grad = Tensor::full({9}, 4);
  CHECK(sgd.clip_gradients(1000) == doctest::Approx(std::sqrt(4 * 9 + 9 * 16.0)));
  CHECK(a.grad.data()[0] == 3);
  sgd.clip_gradients(1);
  CHECK(static_cast<double>(a.grad.data()[0]) == doctest::Approx(3 / std::sqrt(180.0)).epsilon(1e-5));
  fixed.grad = Tensor::full({2}, 5);
  const Tensor held = a.value;
  sgd.step();
  CHECK(held.data()[0] == 1);  // the optimizer wrote to a copy
  CHECK(a.value.data()[0] < 1);
  CHECK(fixed.value.data()[0] == 1);
  sgd.zero_grad();
  CHECK(!a.has_grad());
}

TEST_CASE("optimizers: each finds the bottom of a bowl") {
  for (int kind = 0; kind < 4; ++kind) {
    CAPTURE(kind);
    Parameter p(Tensor::from({3}, {5, -3, 2}));
    std::unique_ptr<Optimizer> o;
    if (kind == 3)
      o = std::make_unique<Sgd>(std::vector<Parameter*>{&p}, 0.05, 0.5);
    else
      o = std::make_unique<Adam>(static_cast<Adam::Kind>(kind), std::vector<Parameter*>{&p}, 0.2);
    for (int i = 0; i < 400; ++i) {
      p.grad = unary(Unary::affine, p.value, 2);
      o->lr *= 0.99;
      o->step();
    }
    for (Index i = 0; i < 3; ++i) CHECK(std::abs(p.value.data()[i]) < real(0.05));
  }
}

TEST_CASE("optimizers: a parameter whose first gradient comes late begins as the others did") {
  const TempFolder folder;
  for (const auto kind : {Adam::Kind::adam, Adam::Kind::adamw, Adam::Kind::nadam})
    for (const int late : {1, 9, 99}) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(late);
      Parameter early(Tensor::full({2}, 1)), behind(Tensor::full({2}, 1)), alone(Tensor::full({2}, 1));
      Adam both(kind, {&early, &behind}, 0.01), fresh(kind, {&alone}, 0.01);
      const auto step = [&](Adam& o, Parameter& a, Parameter* b, int i) {
        o.zero_grad();
        a.grad = gradient_at(i, {2});
        if (b) b->grad = gradient_at(1000 + i, {2});
        o.step();
      };
      for (int i = 0; i < late; ++i) step(both, early, nullptr, i);
      for (int i = 0; i < 3; ++i) {
        step(both, early, &behind, late + i);
        step(fresh, alone, nullptr, 1000 + late + i);
        CHECK(same_bits(behind.value, alone.value));
      }
      CHECK(both.steps() == late + 3);
      // The counts are kept with the state.
      std::map<std::string, Tensor> tensors{{"a", early.value.clone()}, {"b", behind.value.clone()}};
      both.save(tensors, "");
      write_safetensors(folder / "state.safetensors", tensors);
      const Weights file(folder / "state.safetensors");
      Parameter a(file.read("a")), b(file.read("b"));
      Adam again(kind, {&a, &b}, 0.01);
      again.load(file, "");
      step(both, early, &behind, 7), step(again, a, &b, 7);
      CHECK(relative_error(a.value, early.value) <= (sizeof(real) == 8 ? 1e-5 : 0));
      CHECK(relative_error(b.value, behind.value) <= (sizeof(real) == 8 ? 1e-5 : 0));
    }
}

TEST_CASE("optimizers: counts of a file are counts; older files have one for all parameters") {
  const TempFolder folder;
  Parameter a(Tensor::full({2}, 1)), b(Tensor::full({2}, 1));
  Adam o(Adam::Kind::nadam, {&a, &b}, 0.1);
  std::map<std::string, Tensor> good;
  a.grad = b.grad = gradient_at(1, {2});
  for (int i = 0; i < 5; ++i) o.step();
  o.save(good, "");
  const auto load = [&](const std::map<std::string, Tensor>& tensors) {
    write_safetensors(folder / "state.safetensors", tensors);
    return message_of([&] { o.load(Weights(folder / "state.safetensors"), ""); });
  };
  auto older = good;
  older.erase("counts");
  CHECK(load(older) == "");
  o.save(older, "");
  CHECK(same_bits(older.at("counts"), good.at("counts")));
  for (const real wrong : {real(-1), real(0.5), real(6), real(1e9)}) {
    auto bad = good;
    bad["counts"] = Tensor::from({2, 2}, {0, 5, 0, wrong});
    CHECK(contains(load(bad), "no count of steps up to 5"));
  }
  auto bad = good;
  bad["square.1"] = Tensor::full({2}, -1);
  CHECK(contains(load(bad), "'square.1' holds a negative number"));
  bad = good, bad["step"] = Tensor::from({2}, {16777215, 16777215});
  CHECK(contains(load(bad), "no count of steps"));
  // As many steps as a file may claim take no time.
  older["step"] = Tensor::from({2}, {65535, 0}), older.erase("counts");
  CHECK(load(older) == "");
  o.step();
  CHECK(o.steps() == (Index{65535} << 24) + 1);
  CHECK(std::isfinite(a.value.data()[0]));
}
