// Checkpoints: the same bits with less memory.
#include "autograd/checkpoint.h"
#include "autograd/ops.h"
#include "core/pool.h"
#include "layers/linear.h"
#include "layers/transformer.h"
#include "tests/allocations.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Three layers with a residual connection, dropout, and one parameter that is used in and outside of checkpoints.
struct Net {
  Random initial{1};
  TransformerBlockOptions options = [] {
    TransformerBlockOptions o;
    o.dim = 16, o.heads = 2, o.mlp_hidden = 32;
    return o;
  }();
  std::vector<std::unique_ptr<TransformerBlock>> blocks;
  Parameter shared{initial.normal({16})}, input{initial.normal({2, 9, 16})};
  Random dice{2};
  Net() {
    for (int i = 0; i < 3; ++i) blocks.push_back(std::make_unique<TransformerBlock>(options, &initial));
  }
  Var segment(std::size_t i, const Var& x) { return dropout((*blocks[i])(x)*Var(shared), real(0.2), dice); }
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&shared, &input};
    for (auto& b : blocks)
      for (Parameter* p : b->parameters()) all.push_back(p);
    return all;
  }

  enum class Kind { plain, checkpoints, nested };
  Var loss(Kind kind) {
    Var x(input);
    const auto two = [&](const auto& in) {
      return checkpoint([&](const auto& inner) { return segment(1, segment(0, inner[0])); }, {in[0]}, &dice) +
             Var(shared);
    };
    if (kind == Kind::nested) {
      x = checkpoint(two, {x}, &dice);
    } else {
      for (std::size_t i = 0; i < 2; ++i)
        x = kind == Kind::plain ? segment(i, x)
                                : checkpoint([&, i](const auto& in) { return segment(i, in[0]); }, {x}, &dice);
      x = x + Var(shared);
    }
    // The input and the parameter are used again behind the checkpoints.
    return mean(square(segment(2, x + Var(input)))) + sum(square(Var(shared)));
  }
  /// The loss, then all gradients, which are added to 3.
  std::vector<Tensor> step(Kind kind) {
    dice = Random(2);
    for (Parameter* p : parameters()) p->grad = Tensor::full(p->value.shape(), 3);
    Tape tape;
    const Var y = loss(kind);
    backward(y);
    std::vector<Tensor> results{y.value};
    for (const Parameter* p : parameters()) results.push_back(p->grad);
    return results;
  }
};

}  // namespace

TEST_CASE("checkpoint: the same bits as without, nested too, for any number of threads") {
  Net net;
  const std::vector<Tensor> expected = net.step(Net::Kind::plain);
  const std::uint64_t position = net.dice.position();
  for (const Net::Kind kind : {Net::Kind::plain, Net::Kind::checkpoints, Net::Kind::nested})
    for (const int threads : {1, 3}) {
      const WithThreads n(threads);
      const std::vector<Tensor> results = net.step(kind);
      REQUIRE(results.size() == expected.size());
      for (std::size_t i = 0; i < results.size(); ++i) {
        CAPTURE(i);
        CHECK(same_bits(results[i], expected[i]));
      }
      CHECK(net.dice.position() == position);
    }
}

TEST_CASE("checkpoint: inputs of any number, some constant, one twice, one watched") {
  Random random(3);
  const Tensor a = random.normal({4, 3}), b = random.normal({4, 3}), c = random.normal({4, 3});
  const auto f = [](const auto& in) { return in[0] * in[1] + sin(in[2] * in[0]) + square(in[1]); };
  std::vector<Tensor> expected;
  for (const int kind : {0, 1, 2}) {
    Tape tape;
    const Var x = tape.watch(a), y = tape.watch(b);
    const Var before = affine(x, 2);
    const std::vector<Var> list{before, Var(c), before};
    const Var z = kind == 0 ? f(list) : kind == 1 ? checkpoint(f, {before, Var(c), before}) : checkpoint(f, list);
    backward(sum(z * y + before));
    const std::vector<Tensor> got{z.value, tape.gradient(x), tape.gradient(y)};
    if (kind == 0) expected = got;
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(same_bits(got[i], expected[i]));
  }
}

TEST_CASE("checkpoint: without a tape it is a call; under NoRecording parameters are constants") {
  Parameter w(Tensor::full({3}, 2));
  const auto f = [&](const auto& in) { return in[0] * Var(w); };
  const Tensor one = Tensor::full({3}, 1);
  CHECK(!checkpoint(f, {Var(one)}).tracked());
  Tape tape;
  CHECK(checkpoint(f, {Var(one)}).tracked());
  CHECK(!checkpoint([](const auto& in) { return exp(in[0]); }, {Var(one)}).tracked());
  const Var x = tape.watch(one);
  Var y;
  {
    const NoRecording pause;
    CHECK(!checkpoint(f, {Var(one)}).tracked());
    y = checkpoint(f, {x});
  }
  backward(sum(y));
  CHECK(!w.has_grad());
  CHECK(tape.gradient(x).data()[2] == 2);
}

TEST_CASE("checkpoint: what would give wrong gradients is refused") {
  Parameter w(Tensor::full({3}, 2));
  Random dice(4);
  const Tensor one = Tensor::full({3}, 1);
  {
    Tape tape;
    const Var x = tape.watch(one), outside = exp(x);
    CHECK(contains(message_of([&] { checkpoint([&](const auto& in) { return in[0] * outside; }, {x}); }),
                   "inputs are recorded on two tapes"));
    CHECK(contains(message_of([&] { checkpoint([&](const auto&) { return square(outside); }, {x}); }),
                   "[checkpoint] the result (3) depends on a tracked value that is not among the inputs"));
  }
  {
    Tape tape;
    const Var y = checkpoint([&](const auto& in) { return dropout(in[0], real(0.5), dice); },
                             {tape.watch(Tensor::full({100}, 1))});
    CHECK(contains(message_of([&] { backward(sum(y)); }), "[checkpoint] the function gave another result"));
  }
  {
    Tape tape;
    const Var y = checkpoint([&](const auto& in) { return in[0] * Var(w); }, {tape.watch(one)});
    w.set(Tensor::full({3}, 1));
    CHECK(contains(message_of([&] { backward(sum(y)); }), "was changed after it was recorded"));
  }
}

TEST_CASE("checkpoint: a parameter of two tapes stays one node of the outer") {
  Parameter w(Tensor::full({3}, 2));
  Tape tape;
  const Var first(w);
  {
    Tape inner;
    CHECK(Var(w).tape == inner.number());
  }
  CHECK(Var(w).id == first.id);
  CHECK(Var(w).tape == tape.number());
}

TEST_CASE("checkpoint: peak memory is that of one segment, and later steps allocate nothing") {
  constexpr Index kRows = 8000, kWidth = 64;
  constexpr int kSegments = 4, kDepth = 4;
  constexpr double kActivation = static_cast<double>(kRows * kWidth * sizeof(real));
  Random random(5);
  std::vector<std::unique_ptr<Linear>> layers;
  for (int i = 0; i < kSegments * kDepth; ++i) layers.push_back(std::make_unique<Linear>(kWidth, kWidth, &random));
  const Tensor input = random.normal({kRows, kWidth});
  const auto step = [&](bool checkpoints) {
    for (auto& l : layers) l->weight.zero_grad(), l->bias.zero_grad();
    Tape tape;
    Var x(input);
    for (int s = 0; s < kSegments; ++s) {
      const auto segment = [&layers, s](const auto& in) {
        Var y = in[0];
        for (int i = 0; i < kDepth; ++i) y = (*layers[usize(s * kDepth + i)])(y, Activation::relu);
        return y;
      };
      x = checkpoints ? checkpoint(segment, {x}) : segment(std::vector<Var>{x});
    }
    backward(mean(square(x)));
  };
  double peaks[2];
  for (const bool checkpoints : {false, true}) {
    step(checkpoints);
    reset_pool_peak();
    const std::size_t before = pool_stats().live;
    step(checkpoints);
    peaks[checkpoints] = static_cast<double>(pool_stats().peak_live - before) / kActivation;
  }
  MESSAGE("16 layers: peak " << peaks[0] << " activations; in 4 checkpoints " << peaks[1]);
  CHECK(peaks[0] >= kSegments * kDepth);
  // As without checkpoints, four more than what is kept; and the gradient that the segment began from.
  CHECK(peaks[1] <= 1.05 * (kSegments + kDepth + 5));
  const std::size_t pool_before = pool_stats().system_calls, heap_before = heap_allocations();
  for (int i = 0; i < 5; ++i) step(true);
  CHECK(pool_stats().system_calls == pool_before);
  CHECK(heap_allocations() == heap_before);
}
