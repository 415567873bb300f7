// Probes learn: classes, with and without a hidden layer, and numbers; from memory, from the disk, and in two parts.
#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/measure/segmentation.h"
#include "featup/probes/probe_trainer.h"
#include "featup/probes/sample_store.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Features whose first channel tells the class, far from 0 and of another scale than the others; labels at 4 times
/// their resolution.
LabelledFeatures example(std::uint64_t seed) {
  Random random(seed);
  LabelledFeatures e;
  e.features = random.normal({1, 6, 8, 5});
  e.height = 24, e.width = 32;
  e.labels.assign(24 * 32, 255);
  for (Index i = 0; i < 6; ++i)
    for (Index j = 0; j < 8; ++j) {
      const Index label = j < 3 ? 0 : j < 6 ? 1 : 2;
      e.features.data()[(i * 8 + j) * 5] = real(1000) + real(30) * static_cast<real>(label);
      for (Index y = 1; y < 3; ++y)
        for (Index x = 1; x < 3; ++x)
          e.labels[static_cast<std::size_t>((4 * i + y) * 32 + 4 * j + x)] = static_cast<unsigned char>(label);
    }
  return e;
}

}  // namespace

TEST_CASE("probe: names classes that one channel tells, in the same bits every time") {
  const std::vector<LabelledFeatures> images = {example(1), example(2)};
  ProbeOptions o;
  o.outputs = 3, o.pixels = 300, o.batch = 32, o.epochs = 30, o.lr = 2e-2;
  const ChannelMap probe = probe_outputs(train_probe(images, o)), again = probe_outputs(train_probe(images, o));
  CHECK(probe.matrix.shape() == Shape{5, 3});
  CHECK(std::equal(probe.matrix.data(), probe.matrix.data() + probe.matrix.size(), again.matrix.data()));
  CHECK(std::equal(probe.offset.data(), probe.offset.data() + probe.offset.size(), again.offset.data()));
  const LabelledFeatures fresh = example(3);
  const Tensor logits = linear(fresh.features, probe.matrix.permute({1, 0}), probe.offset);
  const Labels named = largest_of(logits, 0, 3);
  for (Index p = 0; p < 48; ++p) CHECK(named[static_cast<std::size_t>(p)] == (p % 8 < 3 ? 0 : p % 8 < 6 ? 1 : 2));
  const ChannelMap both = joined({probe, again});
  CHECK(both.matrix.shape() == Shape{5, 6});
  CHECK(both.matrix.data()[3] == probe.matrix.data()[0]);
  o.seed = 1;
  CHECK(probe_outputs(train_probe(images, o)).matrix.data()[0] != probe.matrix.data()[0]);

  std::vector<LabelledFeatures> nothing = {example(1)};
  nothing[0].labels.assign(24 * 32, 255);
  CHECK_THROWS_AS(train_probe(nothing, o), UsageError);
  CHECK_THROWS_AS(train_probe({}, o), UsageError);
}

namespace {

/// Two numbers a pixel, each a function of the first channels; the others are noise. Pixels are the cells.
LabelledFeatures numbers_example(std::uint64_t seed, bool bent) {
  Random random(seed);
  LabelledFeatures e;
  e.features = random.normal({1, 20, 20, 6});
  e.height = e.width = 20;
  e.numbers = Tensor({20, 20, 2});
  for (Index p = 0; p < 400; ++p) {
    real* x = e.features.data() + p * 6;
    x[0] = x[0] * 40 + 1000;
    const real u = (x[0] - 1000) / 40;
    e.numbers.data()[2 * p] = bent ? 300 + 100 * std::abs(u) : 300 + 100 * u;
    e.numbers.data()[2 * p + 1] = real(0.01) * x[1];
  }
  for (Index p = 0; p < 400; p += 7) e.numbers.data()[2 * p + 1] = NAN;  // no measurement there
  return e;
}

/// Root of the mean squared error of each number, on fresh pixels.
std::vector<double> errors_of(const Probe& probe, bool bent) {
  const LabelledFeatures fresh = numbers_example(99, bent);
  const Tensor y = apply_probe(probe, fresh.features);
  std::vector<double> sums(2, 0);
  double n = 0;
  for (Index p = 0; p < 400; ++p) {
    if (!fresh.known(p, 2)) continue;
    ++n;
    for (std::size_t k = 0; k < 2; ++k) {
      const Index at = 2 * p + static_cast<Index>(k);
      sums[k] += std::pow(static_cast<double>(y.data()[at] - fresh.numbers.data()[at]), 2);
    }
  }
  return {std::sqrt(sums[0] / n), std::sqrt(sums[1] / n)};
}

void check_same(const Probe& a, const Probe& b) {
  CHECK(same_bits(a.hidden_weight, b.hidden_weight));
  CHECK(same_bits(a.hidden_bias, b.hidden_bias));
  CHECK(same_bits(a.weight, b.weight));
  CHECK(same_bits(a.bias, b.bias));
}

}  // namespace

TEST_CASE("probe: learns numbers of any scale, and with a hidden layer what is not linear") {
  ProbeOptions o;
  o.kind = Probe::Kind::numbers, o.outputs = 2, o.pixels = 400, o.batch = 32, o.epochs = 60, o.lr = 5e-3;
  const std::vector<LabelledFeatures> straight = {numbers_example(1, false), numbers_example(2, false)};
  const std::vector<double> linear_errors = errors_of(train_probe(straight, o), false);
  CHECK(linear_errors[0] < 2);       // of a deviation of 100
  CHECK(linear_errors[1] < 0.0004);  // of 0.01

  const std::vector<LabelledFeatures> bent = {numbers_example(1, true), numbers_example(2, true)};
  CHECK(errors_of(train_probe(bent, o), true)[0] > 50);  // |u| has no linear part
  o.hidden = 24;
  const Probe both = train_probe(bent, o);
  CHECK(both.hidden_weight.shape() == Shape{24, 6});
  CHECK(both.weight.shape() == Shape{2, 24});
  CHECK(errors_of(both, true)[0] < 20);
  // Both ways to use it give the same numbers.
  const Tensor x = numbers_example(5, true).features, hidden = probe_hidden(both, x);
  const ChannelMap last = probe_outputs(both);
  CHECK(hidden.shape() == Shape{1, 20, 20, 24});
  CHECK(last.offset_first);
  CHECK(same_bits(linear(hidden, last.matrix.permute({1, 0}), last.offset), apply_probe(both, x)));
  CHECK_THROWS_AS(probe_hidden(both, Tensor::zeros({1, 2, 2, 5})), ShapeError);
  o.weight_decay = 0.5;
  CHECK(!same_bits(train_probe(bent, o).weight, both.weight));
}

TEST_CASE("probe: samples on the disk, and a training in two parts, give the bits of one in memory") {
  const TempFolder folder;
  const std::vector<LabelledFeatures> images = {example(1), example(2), example(3)};
  ProbeOptions o;
  o.outputs = 3, o.pixels = 100, o.batch = 32, o.epochs = 3, o.hidden = 5, o.weight_decay = 0.1;
  const Probe expected = train_probe(images, o);
  Random draws = probe_draws(o.seed);
  const auto add = [&](SampleStore& store, std::size_t i) {
    store.add(take_samples(images[i].features, images[i], draw_pixels(images[i], o, draws)));
  };
  {
    SampleStore store(folder.path(), 5, 1);
    for (std::size_t i = 0; i < 3; ++i) add(store, i);
  }
  // The last record is cut off, as if the process had died while it wrote it.
  std::filesystem::resize_file(folder / "photos.bin", std::filesystem::file_size(folder / "photos.bin") - 9);
  draws = probe_draws(o.seed);
  draws.seek(2 * 2 * 100);
  SampleStore store(folder.path(), 5, 1);
  REQUIRE(store.photos() == 2);
  add(store, 2);
  const ChosenSamples all = store.choose([](Index) { return true; });
  CHECK(all.samples.size() == 300);
  CHECK(store.choose([](Index i) { return i == 1; }).samples.front() == 100);
  CHECK(store.samples_of(2) == 100);

  for (const Index stop : {Index{4}, Index{10}}) {  // within an epoch of 10 steps, and at its end
    CAPTURE(stop);
    ProbeTrainer first(store, all, o, draws);
    while (first.steps() < stop) first.step();
    std::map<std::string, Tensor> state;
    first.save(state);
    write_safetensors(folder / "state.safetensors", state);
    ProbeTrainer second(store, all, o, draws);
    second.load(Weights(folder / "state.safetensors"));
    CHECK(second.steps() == stop);
    second.run(o.epochs);
    check_same(second.probe(), expected);
  }
  CHECK_THROWS_AS(SampleStore(folder / "nowhere", 5, 1), FileError);
  CHECK(SampleStore(folder.path(), 6, 1).photos() == 0);  // of other features: nothing of it is used
}
