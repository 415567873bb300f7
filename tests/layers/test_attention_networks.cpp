// AnyUp, JAFAR and NAF as layers: the recorded forward pass is that of inference, and gradients are those of finite
// differences.
#include "featup/attention/anyup.h"
#include "featup/attention/jafar.h"
#include "featup/attention/naf.h"
#include "tests/layers/check_module.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Values that a norm or a softmax does not make equal.
void disturb_all(Module& module) {
  Random random(78);
  module.visit([&](const std::string&, Parameter& p, FileLayout) {
    if (p.trainable) p.set(p.value + unary(Unary::affine, random.normal(p.value.shape()), real(0.2)));
  });
}

struct Sizes {
  Shape image, features;
  Extent out;
};
/// The result as large as the image, smaller, larger; odd sizes.
const std::vector<Sizes> kSizes = {{{1, 24, 40, 3}, {1, 5, 6, 8}, {24, 40}},
                                   {{1, 30, 21, 3}, {1, 3, 2, 12}, {15, 13}},
                                   {{1, 9, 11, 3}, {1, 4, 3, 4}, {20, 17}}};

template <class Network, class Run, class Plain, class Windows>
void check_paths(const std::shared_ptr<Network>& network, const Plain& plain, const Windows& windows, Index channels) {
  disturb_all(*network);
  Random random(4);
  for (const Sizes& s : kSizes) {
    CAPTURE(s.out.height);
    Shape shape = s.features;
    if (channels) shape.set(3, channels);
    const Tensor image = random.normal(s.image), features = random.normal(shape);
    Tensor recorded, layers;
    {
      Tape tape;
      recorded = plain(Var(image), Var(features), s.out).value;
    }
    layers = plain(image, features, s.out);
    CHECK(relative_error(layers, recorded) <= 1e-5);
    const QueriesAndKeys made = Run(network)(image, features, s.out);
    const auto fused = [&] {
      Tensor y(recorded.shape());
      attend(Run(network)(image, features, s.out), features, windows(s.out, shape[1], shape[2]), made.use, y.data());
      return y;
    };
    const Tensor y = fused();
    CHECK(relative_error(y, recorded) <= 5e-5);
    const WithThreads one(1);
    CHECK(same_bits(y, fused()));
  }
}

}  // namespace

TEST_CASE("attention networks: inference gives what a tape records") {
  Random random(3);
  const auto anyup = std::make_shared<AnyUp>(&random, 32);
  check_paths<AnyUp, AnyUpRun>(
      anyup, [&](const auto& i, const auto& f, Extent size) { return (*anyup)(i, f, f, size); },
      [](Extent size, Index h, Index w) { return cells_within(size.height, size.width, h, w, kAnyUpWindow); }, 0);
  const auto jafar = std::make_shared<Jafar>(6, &random, 32);
  check_paths<Jafar, JafarRun>(
      jafar, [&](const auto& i, const auto& f, Extent size) { return (*jafar)(i, f, f, size); },
      [](Extent size, Index h, Index w) { return all_cells(size.height, size.width, h, w); }, 6);
  const auto naf = std::make_shared<Naf>(&random, 32);
  for (Index channels : {8, 6})
    check_paths<Naf, NafRun>(
        naf, [&](const auto& i, const auto& f, Extent size) { return (*naf)(i, f, size); },
        [](Extent size, Index h, Index w) { return Naf::windows(size, h, w); }, channels);
}

TEST_CASE("attention networks: gradients") {
  Random random(9);
  const Tensor image = random.normal({1, 8, 10, 3}), features = random.normal({1, 3, 4, 5});
  const Extent size{7, 10};
  const Tensor target = random.normal({1, 7, 10, 5});
  const auto loss = [&](const Var& y) { return mean(square(y - Var(target))); };
  AnyUp anyup(&random, 16);
  disturb_all(anyup);
  check_module(anyup, [&] { return loss(anyup(Var(image), Var(features), Var(features), size)); });
  Jafar jafar(5, &random, 16);
  disturb_all(jafar);
  check_module(jafar, [&] { return loss(jafar(Var(image), Var(features), Var(features), size)); });
  Naf naf(&random, 16);
  disturb_all(naf);
  check_module(naf, [&] { return loss(naf(Var(image), Var(features), size)); });
}

TEST_CASE("attention networks: gradients of image and features") {
  Random random(10);
  AnyUp network(&random, 16);
  disturb_all(network);
  const Tensor image = random.normal({1, 6, 7, 3}), features = random.normal({1, 3, 3, 4}),
               target = random.normal({1, 6, 7, 4});
  const auto loss = [&](const Var& i, const Var& f) { return mean(square(network(i, f, f, {6, 7}) - Var(target))); };
  Tape tape;
  const Var i = tape.watch(image), f = tape.watch(features);
  backward(loss(i, f));
  const Tensor inputs[] = {image, features}, gradients[] = {tape.gradient(i), tape.gradient(f)};
  [[maybe_unused]] const real step = real(1e-5);
  for (int part = 0; part < 2; ++part) {
    REQUIRE(gradients[part].shape() == inputs[part].shape());
#ifdef FU_REAL_DOUBLE
    const NoRecording constants;
    const Tensor direction = random.normal(inputs[part].shape());
    const auto at = [&](real t) {
      const Tensor moved = inputs[part] + unary(Unary::affine, direction, t);
      return loss(part == 0 ? moved : image, part == 1 ? moved : features).value.item();
    };
    double actual = 0;
    for (Index n = 0; n < direction.size(); ++n) actual += gradients[part].data()[n] * direction.data()[n];
    CHECK(std::abs(actual - (at(step) - at(-step)) / (2 * step)) <= 1e-6 * std::max(0.1, std::abs(actual)));
#endif
  }
}
