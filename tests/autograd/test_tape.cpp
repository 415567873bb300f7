// The engine: what is recorded, what is refused, what is freed.
#include <chrono>
#include <thread>

#include "autograd/ops.h"
#include "core/pool.h"
#include "layers/optimizer.h"
#include "tests/allocations.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("tape: records only where an input is tracked") {
  Tape tape;
  const Tensor one = Tensor::full({2, 2}, 1);
  const Var constant = Var(one) * Var(one) + Var(one);
  CHECK(!constant.tracked());
  CHECK(tape.nodes() == 0);
  const Var x = tape.watch(one), y = x * constant;
  CHECK(y.tracked());
  CHECK(tape.nodes() == 2);
  CHECK(!y.detach().tracked());
  Parameter p(one);
  p.trainable = false;
  CHECK(!Var(p).tracked());
  p.trainable = true;
  CHECK(Var(p).tracked());
  CHECK(Var(p).id == Var(p).id);
  {
    const NoRecording pause;
    CHECK(!Var(p).tracked());
    CHECK((x + Var(p)).tracked());  // what is tracked already stays so
  }
}

TEST_CASE("tape: parameters without a tape are constants") {
  Parameter p(Tensor::full({3}, 2));
  CHECK(!(Var(p) * Var(p)).tracked());
  CHECK(contains(message_of([&] { backward(sum(Var(p))); }),
                 "[backward] the value depends on no parameter that was recorded"));
}

TEST_CASE("tape: values and gradients of a small computation") {
  Parameter a(Tensor::from({2}, {2, 3})), b(Tensor::from({}, {5}));
  Tape tape;
  const Var y = sum(square(Var(a)) * Var(b));  // b (a0^2 + a1^2)
  CHECK(y.value.item() == 65);
  backward(y);
  CHECK(a.grad.data()[0] == 20);
  CHECK(a.grad.data()[1] == 30);
  CHECK(b.grad.item() == 13);
}

TEST_CASE("tape: gradients add up over tapes until they are zeroed") {
  Parameter p(Tensor::full({3}, 2));
  for (int i = 0; i < 2; ++i) {
    Tape tape;
    backward(sum(Var(p)));
  }
  CHECK(p.grad.data()[1] == 2);
  p.zero_grad();
  CHECK(!p.has_grad());
  Tape tape;
  backward(sum(Var(p)));
  CHECK(p.grad.data()[1] == 1);
}

TEST_CASE("tape: shared gradients are not written twice") {
  // x + x hands the same dy to both inputs; what is added later must not change the other's.
  Tape tape;
  const Var x = tape.watch(Tensor::full({4}, 1)), y = tape.watch(Tensor::full({4}, 1));
  const Var a = x + y;
  backward(sum(a + x * x * x));
  CHECK(tape.gradient(x).data()[0] == 4);
  CHECK(tape.gradient(y).data()[0] == 1);
}

TEST_CASE("tape: errors are clear") {
  Parameter p(Tensor::full({3}, 2));
  p.name = "layer.weight";
  {
    Tape tape;
    const Var loss = sum(Var(p));
    backward(loss);
    CHECK(contains(message_of([&] { backward(loss); }), "[backward] this tape has run backward already"));
    CHECK(contains(message_of([&] { loss + loss; }), "[add] an input was recorded on a tape that has run backward"));
    CHECK(contains(message_of([&] { Var{p}; }), "[record] this tape has run backward already"));
  }
  {
    Tape tape;
    const Var loss = sum(square(Var(p)));
    p.set(Tensor::full({3}, 1));
    CHECK(contains(message_of([&] { backward(loss); }),
                   "[backward] parameter 'layer.weight' (3) was changed after it was recorded"));
  }
  {
    Tape tape;
    CHECK(contains(message_of([&] { backward(Var(p) + Var(p)); }), "[backward] a loss is one number, not (3)"));
    CHECK(contains(message_of([&] { backward(Var(p) + Var(p), Tensor::zeros({2})); }),
                   "[backward] gradient (2) for a value of shape (3)"));
    CHECK(contains(message_of([&] { untracked("jbu_stack", Var(p)); }),
                   "[jbu_stack] input (3) is tracked, but this fused kernel has no backward"));
    const Var outer = Var(p) * Var(p);
    Tape inner;
    const Var x = inner.watch(Tensor::full({3}, 1));
    CHECK(contains(message_of([&] { x + outer; }), "[add] inputs are recorded on two tapes"));
    CHECK(contains(message_of([&] { inner.gradient(outer); }), "[gradient] only inputs made by watch()"));
  }
}

TEST_CASE("tape: lives and deaths in any order" * doctest::skip(!kHasThreads)) {
  Parameter w(Tensor::full({2}, 3));
  Var kept;
  {
    Tape tape;
    kept = square(Var(w));
    backward(sum(kept));
  }
  {  // the next tape lies where the last one lay
    Tape tape;
    const Var y = Var(w) * Var(w);
    CHECK(contains(message_of([&] { kept + y; }), "[add] an input was recorded on a tape that has ended"));
    CHECK(contains(message_of([&] { backward(sum(kept.detach()) + kept); }), "has ended"));
    CHECK((kept.detach() + y).tracked());
  }
  CHECK(contains(message_of([&] { backward(kept, kept.value); }),
                 "[backward] the value was recorded on a tape that has ended"));
  // A parameter that another thread has recorded before.
  w.zero_grad();
  std::thread([&] {
    Tape tape;
    Parameter other(Tensor::full({2}, 1));
    backward(sum(Var(other) * Var(w)));
  }).join();
  CHECK(w.grad.data()[0] == 1);
  // A parameter that is gone.
  {
    auto gone = std::make_unique<Parameter>(Tensor::full({2}, 1));
    Tape tape;
    const Var loss = sum(Var(w) * Var(*gone));
    gone = nullptr;
    CHECK(contains(message_of([&] { backward(loss); }),
                   "[backward] a parameter (2) was destroyed after it was recorded"));
  }
  // Tapes that end in the order in which they began.
  auto first = std::make_unique<Tape>(), second = std::make_unique<Tape>();
  first = nullptr;
  CHECK(Tape::current() == second.get());
  CHECK(Var(w).tracked());
  second = nullptr;
  CHECK(Tape::current() == nullptr);
  CHECK(!Var(w).tracked());
}

TEST_CASE("tape: a backward pass that fails leaves no gradient that was never computed") {
  Random random(1);
  Parameter w(random.normal({512, 512}));
  const Tensor x = random.normal({512, 512});
  Tape tape;
  const Var loss = sum(linear(x, w, Tensor()));
  // Room for the gradients themselves, but not for the scratch of the product.
  set_memory_limit(pool_stats().live + 512 * 512 * sizeof(real) * 2 + 1000);
  const std::string message = message_of([&] { backward(loss); });
  set_memory_limit(0);
  CHECK(contains(message, "[memory]"));
  CHECK(!w.has_grad());
}

TEST_CASE("tape: a value that the loss does not depend on has gradient zero") {
  Tape tape;
  const Var x = tape.watch(Tensor::full({2}, 1)), y = tape.watch(Tensor::full({2}, 1));
  const Var unused = x * y;
  CHECK(contains(message_of([&] { tape.gradient(x); }), "[gradient] there is none before backward()"));
  backward(sum(y));
  CHECK(tape.gradient(x).data()[0] == 0);
  CHECK(tape.gradient(y).data()[0] == 1);
}

TEST_CASE("tape: a chain of 100,000 nodes runs and is freed without recursion") {
  Parameter p(Tensor::full({4}, 1));
  {
    Tape tape;
    Var x(p);
    for (int i = 0; i < 100000; ++i) x = affine(x, 1, real(1e-5));
    CHECK(tape.nodes() == 100001);
    backward(sum(x));
    CHECK(p.grad.data()[0] == 1);
  }
  Tape tape;  // never run backward: freed all the same
  Var x(p);
  for (int i = 0; i < 100000; ++i) x = x * Var(p);
}

namespace {

/// A multilayer perceptron of L layers, C wide, on n rows: one step.
struct Perceptron {
  std::vector<std::unique_ptr<Parameter>> weights, biases;
  Perceptron(int layers, Index width) {
    Random random(1);
    for (int i = 0; i < layers; ++i) {
      weights.push_back(std::make_unique<Parameter>(unary(Unary::affine, random.normal({width, width}), real(0.1))));
      biases.push_back(std::make_unique<Parameter>(Tensor::zeros({width})));
    }
  }
  void step(const Tensor& input) {
    for (auto* list : {&weights, &biases})
      for (auto& p : *list) p->zero_grad();
    Tape tape;
    Var x(input);
    for (std::size_t i = 0; i < weights.size(); ++i) x = linear(x, *weights[i], *biases[i], Activation::relu);
    backward(mean(square(x)));
  }
};

}  // namespace

TEST_CASE("tape: after the first steps a training loop allocates nothing") {
  Perceptron net(4, 64);
  Random random(2);
  const Tensor input = random.normal({256, 64});
  for (int i = 0; i < 2; ++i) net.step(input);
  const std::size_t pool_before = pool_stats().system_calls, heap_before = heap_allocations();
  for (int i = 0; i < 10; ++i) net.step(input);
  CHECK(pool_stats().system_calls == pool_before);
  CHECK(heap_allocations() == heap_before);
}

TEST_CASE("tape: trimming the pool gives back what tapes hand to the next one") {
  const auto allocations = [] {
    const std::size_t before = heap_allocations();
    Tape tape;
    const Var sum = Var(Tensor::zeros({2})) + Var(Tensor::zeros({2}));
    return heap_allocations() - before;
  };
  allocations();
  const std::size_t kept = allocations();
  trim_pool();
  CHECK(allocations() > kept);
  CHECK(allocations() == kept);
}

TEST_CASE("tape: nor does one of many different ops") {
  Random random(3);
  Parameter image(random.normal({1, 12, 12, 8})), kernels(random.normal({1, 12, 12, 9})), scale(random.normal({8})),
      shift(random.normal({8}));
  Parameter weight(random.normal({24, 16})), bias(random.normal({24}));
  Adam adam(Adam::Kind::nadam, {&image, &kernels, &scale, &shift, &weight, &bias}, 1e-3);
  const auto step = [&] {
    adam.zero_grad();
    Tape tape;
    const Var blurred = gaussian_blur(image, 5, 1), mixed = adaptive_conv(blurred, softmax(kernels, -1));
    const Var both = concat({layer_norm(mixed, scale, shift, real(1e-5)), gelu(blurred)}, -1);
    const Var small = resize_bicubic(channel_dropout(both, real(0.2), random), 5, 7);
    const Var tokens = attention(linear(reshape(small, {1, 35, 16}), weight, bias), 2);
    backward(mean(square(slice(tokens, 1, 1, 30))) + affine(sum(neighbor_products(blurred, blurred, 1)), real(1e-3)));
    adam.clip_gradients(1);
    adam.step();
  };
  for (int i = 0; i < 3; ++i) step();
  const std::size_t pool_before = pool_stats().system_calls, heap_before = heap_allocations();
  for (int i = 0; i < 5; ++i) step();
  CHECK(pool_stats().system_calls == pool_before);
  CHECK(heap_allocations() == heap_before);
}

TEST_CASE("tape: peak memory of a step") {
  // Forward keeps each layer's result (ReLU's is the next layer's input): L activations. Backward frees each as soon as
  // its layer is done, and needs two gradients of that size beside. Rows are many against the width, so that weights
  // and their gradients hardly count.
  constexpr Index kRows = 8000, kWidth = 64;
  constexpr std::size_t kActivation = kRows * kWidth * sizeof(real);
  Random random(2);
  const Tensor input = random.normal({kRows, kWidth});
  for (int layers : {4, 16}) {
    CAPTURE(layers);
    Perceptron net(layers, kWidth);
    net.step(input);
    reset_pool_peak();
    const std::size_t before = pool_stats().live;
    net.step(input);
    const std::size_t peak = pool_stats().peak_live - before;
    MESSAGE(layers << " layers: peak " << static_cast<double>(peak) / static_cast<double>(kActivation)
                   << " activations");
    CHECK(static_cast<double>(peak) <= 1.05 * (layers + 4) * static_cast<double>(kActivation));
    CHECK(pool_stats().live <= before + kActivation);
  }
}

TEST_CASE("tape: recording costs at most a microsecond an op") {
  Parameter p(Tensor::full({1}, 1));
  const auto run = [&](bool tracked) {
    double best = 1;
    for (int repeat = 0; repeat < 5; ++repeat) {
      Tape tape;
      Var x = tracked ? Var(p) : Var(p.value);
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < 20000; ++i) x = affine(x, 1, 0);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 20000);
    }
    return best;
  };
  double plain = run(false), recorded = run(true);
  // Beside other processes no measurement may be undisturbed, so there are up to 20.
  for (int again = 0; again < 20 && recorded - plain > 1e-6; ++again)
    plain = std::min(plain, run(false)), recorded = std::min(recorded, run(true));
  MESSAGE("an op of one element takes " << plain * 1e9 << " ns, recorded " << recorded * 1e9 << " ns");
#if defined(NDEBUG) && !defined(FU_ADDRESS_SANITIZER)
  CHECK(recorded - plain <= 1e-6);
#endif
}
