// Training a JBU stack: the cheap loss is the one defined on all channels; a run learns, and goes on from a checkpoint
// as if it had never stopped.
#include "featup/jbu/jbu.h"
#include "featup/training/upsampler_trainer.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr Index kMixedChannels = 6, kCell = 8;

/// A backbone that mixes colours and their means over cells of 8 pixels.
Tensor cell_features(const Tensor& image) {
  static const Tensor mixing = Random(5).normal({kMixedChannels, 3});
  return adaptive_avg_pool(linear(image, mixing, Tensor()), image.dim(1) / kCell, image.dim(2) / kCell);
}

/// Pictures with edges.
Tensor picture(Index h, Index w, std::uint64_t seed) {
  Random random(seed);
  Tensor x = unary(Unary::affine, random.normal({1, h, w, 3}), real(0.1));
  const Index edge = random.below(w - 1), slope = 2 + random.below(4);
  for (Index i = 0; i < h * w; ++i)
    for (Index c = 0; c < 3; ++c)
      x.data()[3 * i + c] += i % w > edge + i / w / slope ? real(1) : real(0.3) * static_cast<real>(c) - 1;
  return x;
}

UpsamplerTrainerOptions small_options() {
  UpsamplerTrainerOptions o;
  o.jitters = 2, o.max_pad = 4, o.objective.kernel = 8, o.objective.projection = 4, o.objective.crf_samples = 50;
  o.objective.layers.levels = 3, o.objective.layers.key_dim = 8, o.objective.layers.radius = 2;
  return o;
}

/// Moves parameters off their first values, so that nothing cancels.
void disturb_all(Module& module) {
  Random random(77);
  for (Parameter* p : module.parameters())
    p->set(p->value + unary(Unary::affine, random.normal(p->value.shape()), real(0.05)));
}

std::map<std::string, Tensor> gradients(Module& module, const std::function<Var()>& loss, double& value) {
  for (Parameter* p : module.parameters()) p->zero_grad();
  Tape tape;
  const Var y = loss();
  value = static_cast<double>(y.value.item());
  backward(y);
  std::map<std::string, Tensor> all;
  module.visit([&](const std::string& name, Parameter& p, FileLayout) {
    all[name] = p.has_grad() ? p.grad.clone() : Tensor::zeros(p.value.shape());
  });
  return all;
}

}  // namespace

TEST_CASE("training: the loss on few channels is the loss on all of them") {
  for (const bool attention : {true, false})
    for (const bool mixing : {true, false}) {
      CAPTURE(attention);
      CAPTURE(mixing);
      UpsamplerObjectiveOptions o = small_options().objective;
      o.attention = attention, o.layers.mixing = mixing, o.tv = 0.3, o.crf = 0.2;
      Random random(3);
      UpsamplerObjective training(kMixedChannels, o, &random);
      disturb_all(training);
      UpsamplerExample e;
      e.image = picture(40, 56, 1), e.features = cell_features(e.image);
      std::vector<Tensor> views;
      for (int v = 0; v < 2; ++v) {
        e.jitters.push_back(draw_jitter(random, 40, 56, 4, 2));
        views.push_back(cell_features(apply_jitter(e.image, e.jitters.back())));
      }
      e.views = concat(views, 0);
      const UpsamplerDraws draws = training.draw(e, random);
      // The same, as it is defined.
      JbuLayers upsampler(kMixedChannels, o.layers, nullptr);
      std::unique_ptr<Downsampler> down;
      if (attention)
        down = std::make_unique<AttentionDownsampler>(kMixedChannels, o.kernel, nullptr);
      else
        down = std::make_unique<SimpleDownsampler>(o.kernel);
      ScaleNet scale_net(kMixedChannels, nullptr);
      const TempFolder folder;
      std::map<std::string, Tensor> tensors;
      training.save(tensors);
      write_safetensors(folder / "all.safetensors", tensors);
      const Weights weights(folder / "all.safetensors");
      upsampler.load(weights, "upsampler."), down->load(weights, "downsampler."), scale_net.load(weights, "scale_net.");
      struct All : Module {
        All(Module& a, Module& b, Module& c) { add("upsampler", a), add("downsampler", b), add("scale_net", c); }
      } all(upsampler, *down, scale_net);
      const Tensor projection = draws.projections[0].permute({1, 0});
      double expected = 0, actual = 0;
      const auto by_definition = gradients(
          all,
          [&] {
            const Var map = upsampler(e.features, e.image);
            std::vector<Var> pooled;
            for (const Jitter& j : e.jitters) pooled.push_back((*down)(apply_jitter(map, j), 5, 7));
            const Var projected = linear(map, projection, Tensor());
            return reconstruction_loss(linear(concat(pooled, 0), projection, Tensor()),
                                       linear(e.views, projection, Tensor()), scale_net(e.views)) +
                   affine(crf_loss(e.image, projected, draws.rows, draws.cols), real(o.crf)) +
                   affine(total_variation(projected), real(o.tv));
          },
          expected);
      const auto fast = gradients(
          training, [&] { return training.loss(e, draws); }, actual);
      CHECK(std::abs(actual - expected) <= 1e-5 * std::abs(expected));
      for (const auto& entry : by_definition) {
        CAPTURE(entry.first);
        CHECK(relative_error(fast.at(entry.first), entry.second) <= 2e-3);
      }
    }
}

TEST_CASE("training: it learns, in the same bits for any number of threads, and goes on from a checkpoint to the bit") {
  const TempFolder folder;
  const auto batch = [](Index step) {
    return std::vector<Tensor>{picture(64, 64, static_cast<std::uint64_t>(2 * step % 20)),
                               picture(64, 64, static_cast<std::uint64_t>(2 * step % 20 + 1))};
  };
  const auto all_of = [](UpsamplerTrainer& trainer) {
    std::map<std::string, Tensor> tensors;
    trainer.save(tensors);
    return tensors;
  };
  UpsamplerTrainerOptions options = small_options();
  options.objective.uncertainty =
      false;  // the loss is then a squared error, and not a likelihood, which may fall below 0
  UpsamplerTrainer whole(cell_features, kMixedChannels, options);
  double first = 0, last = 0;
  for (Index step = 0; step < 60; ++step) {
    const WithThreads n(step % 2 ? 1 : 2);
    const double loss = whole.step(batch(step));
    if (step < 5) first += loss / 5;
    if (step >= 55) last += loss / 5;
    if (step != 24) continue;
    auto tensors = all_of(whole);
    write_safetensors(folder / "checkpoint.safetensors", tensors);
  }
  CAPTURE(first);
  CAPTURE(last);
  CHECK(last < 0.75 * first);
  UpsamplerTrainer resumed(cell_features, kMixedChannels, options);
  resumed.load(Weights(folder / "checkpoint.safetensors"));
  CHECK(resumed.steps() == 25);
  for (Index step = 25; step < 60; ++step) resumed.step(batch(step));
  auto expected = all_of(whole), actual = all_of(resumed);
  if (sizeof(real) == 4)  // files hold floats
    for (const auto& [name, tensor] : expected) CHECK(same_bits(actual.at(name), tensor));
  CHECK(expected.count("training.optimizer.step") + expected.count("training.upsampler.up3.range_temp") == 2);
}

TEST_CASE("training: a batch in parts, as several processes take them, gives the same weights") {
  const std::vector<Tensor> images = {picture(64, 64, 1), picture(64, 64, 2), picture(64, 64, 3)};
  UpsamplerTrainer one(cell_features, kMixedChannels, small_options()),
      two(cell_features, kMixedChannels, small_options());
  for (int step = 0; step < 3; ++step) {
    const double whole = one.accumulate(images, 0, 3);
    const double second = two.accumulate({images[2]}, 2, 3);
    const std::vector<double> sums = two.gradient_sums();
    const double parts = second + two.accumulate({images[0], images[1]}, 0, 3);
    CHECK(std::abs(parts - whole) <= 1e-12 * std::abs(whole));
    for (std::size_t i = 0; i < sums.size(); ++i) two.gradient_sums()[i] += sums[i];
    one.finish_step();
    two.finish_step();
  }
  const auto expected = one.objective().parameters(), actual = two.objective().parameters();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(expected[i]->name);
    CHECK(relative_error(actual[i]->value, expected[i]->value) <= 1e-6);
  }
}

TEST_CASE("training: what is saved is what was learned, for every kind of stack") {
  const TempFolder folder;
  const Tensor image = picture(64, 64, 4), low = cell_features(image);
  for (int kind = 0; kind < 5; ++kind) {
    CAPTURE(kind);
    UpsamplerTrainerOptions o = small_options();
    if (kind == 4)
      o.objective.filter.strength = real(0.7), o.objective.filter.shrinkage = real(0.3),
      o.objective.layers.color_range = 0.1;
    if (kind == 4) o.objective.layers.smoothing.strength = 20;
    o.objective.layers.unit_sum = kind == 1, o.objective.layers.shared = kind == 2,
    o.objective.layers.mixing = kind != 3;
    UpsamplerTrainer trainer(cell_features, kMixedChannels, o);
    disturb_all(trainer.objective());
    write_safetensors(folder / "stack.safetensors", trainer.upsampler());
    const JbuStack stack{Weights(folder / "stack.safetensors")};
    CHECK(relative_error(jbu_stack(stack, low, image), trainer.objective().map(low, image)) <= 1e-5);
    write_torch(folder / "stack.ckpt", "state_dict", trainer.upsampler());
    const JbuStack exported{Weights(folder / "stack.ckpt")};
    CHECK(same_bits(jbu_stack(exported, low, image), jbu_stack(stack, low, image)));
    if (kind != 1) continue;
    const Tensor flat = Tensor::full({1, 8, 8, 1}, 1);
    JbuStack levels = stack;
    levels.mix_weight = levels.mix_bias = Tensor();
    CHECK(relative_error(JbuRun(levels, flat, image, 3).all(), Tensor::full({1, 64, 64, 1}, 1)) <= 1e-5);
  }
}

TEST_CASE("training: a bilateral start is a joint bilateral filter") {
  JbuLayersOptions o;
  o.sigma = 0.5, o.color_range = 0.1, o.unit_sum = true;
  Random random(8);
  JbuLearnedRange level(o, &random);
  Tensor colors = random.uniform({1, 12, 9, 3}, 0, 1), guidance = colors.clone();
  constexpr double kMean[] = {0.485, 0.456, 0.406}, kDeviation[] = {0.229, 0.224, 0.225};
  for (Index i = 0; i < guidance.size(); ++i)
    guidance.data()[i] = static_cast<real>((static_cast<double>(colors.data()[i]) - kMean[i % 3]) / kDeviation[i % 3]);
  const Tensor k = level.kernels(guidance).value;
  double worst = 0;
  for (Index i = 3; i < 9; ++i)
    for (Index j = 3; j < 6; ++j) {
      double expected[49], sum = 0;
      for (Index t = 0; t < 49; ++t) {
        const Index y = t / 7 - 3, x = t % 7 - 3;
        double color = 0;
        for (Index c = 0; c < 3; ++c)
          color += std::pow(
              static_cast<double>(colors.data()[(i * 9 + j) * 3 + c] - colors.data()[((i + y) * 9 + j + x) * 3 + c]),
              2);
        expected[t] = std::exp(-static_cast<double>(x * x + y * y) / 9 / (2 * 0.25) - color / (2 * 0.01));
        sum += expected[t];
      }
      for (Index t = 0; t < 49; ++t)
        worst = std::max(worst, std::abs(static_cast<double>(k.data()[(i * 9 + j) * 49 + t]) - expected[t] / sum));
    }
  CHECK(worst < 0.03);  // a parabola made of GELUs, and the fix-up's first small change
  o.guidance_dim = 4;
  CHECK_THROWS_AS(JbuLearnedRange(o, &random), UsageError);
}

TEST_CASE("training: back-projection puts in what the first level smooths away") {
  // Where the level keeps every cell's mean, nothing changes; else the map's means come closer to the features.
  UpsamplerTrainerOptions o = small_options();
  o.objective.layers.levels = 1, o.objective.layers.mixing = false, o.objective.layers.unit_sum = true;
  const Tensor image = picture(64, 64, 4), low = cell_features(image);
  double off[2];
  for (int kind = 0; kind < 2; ++kind) {
    o.objective.filter.strength = static_cast<real>(kind), o.objective.filter.noise = 0;
    const Tensor map = UpsamplerTrainer(cell_features, kMixedChannels, o).objective().map(low, image);
    off[kind] = static_cast<double>(sum(unary(Unary::square, adaptive_avg_pool(map, 8, 8) - low)).item());
  }
  CHECK(off[1] < 0.7 * off[0]);
}

TEST_CASE("training: a stack whose map has another size than the picture") {
  for (Index levels : {Index{2}, Index{4}}) {
    UpsamplerTrainerOptions o = small_options();
    o.objective.layers.levels = levels;
    UpsamplerTrainer trainer(cell_features, kMixedChannels, o);
    const Tensor image = picture(64, 48, 4);
    CHECK(std::isfinite(trainer.step({image})));
    CHECK(trainer.objective().map(cell_features(image), image).shape() ==
          Shape{1, 8 << levels, 6 << levels, kMixedChannels});
  }
}
