// Every kind of upsampler under training: it learns, in the same bits for any number of threads and after a pause, and
// what it writes is the upsampler that it trained.
#include "featup/training/upsampler_trainer.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr Index kCellSide = 8;

/// A backbone that mixes colours, their means over cells of 8 pixels and a nonlinear part.
FeatureFunction backbone_of(Index channels) {
  return [mixing = Random(5).normal({channels, 3})](const Tensor& image) {
    const Tensor x = linear(image, mixing, Tensor());
    return adaptive_avg_pool(x + unary(Unary::sin, x), image.dim(1) / kCellSide, image.dim(2) / kCellSide);
  };
}

Tensor leaning_picture(Index h, Index w, std::uint64_t seed) {
  Random random(seed);
  Tensor x = unary(Unary::affine, random.normal({1, h, w, 3}), real(0.1));
  for (Index i = 0; i < h * w; ++i)
    for (Index c = 0; c < 3; ++c)
      x.data()[3 * i + c] += i % w > w / 3 + i / w / 4 ? real(1) : real(0.3 * double(c) - 1);
  return x;
}

UpsamplerTrainerOptions small_options(const std::string& kind, TrainingLoss loss) {
  UpsamplerTrainerOptions o;
  o.jitters = 2, o.max_pad = 4, o.crops = 2;
  o.objective.kind = kind, o.objective.loss = loss;
  o.objective.kernel = 8, o.objective.projection = 4, o.objective.crf_samples = 50;
  o.objective.uncertainty = false;  // the loss is then a squared error, and not a likelihood, which may fall below 0
  o.objective.upscale = 4;
  o.objective.layers.levels = 2, o.objective.layers.key_dim = 8, o.objective.layers.radius = 2;
  o.objective.lr = trained_kind(kind).lr;
  return o;
}

std::map<std::string, Tensor> state_of(UpsamplerTrainer& trainer) {
  std::map<std::string, Tensor> tensors = trainer.upsampler();
  trainer.save(tensors);
  return tensors;
}

}  // namespace

TEST_CASE(
    "trained kinds: each learns, in the same bits for any number of threads and after a pause, and is read again") {
  const TempFolder folder;
  const std::string file = folder / "upsampler.safetensors";
  for (const TrainedKind& kind : trained_kinds())
    for (const TrainingLoss loss : {TrainingLoss::views, TrainingLoss::crops}) {
      CAPTURE(kind.name);
      CAPTURE(loss == TrainingLoss::crops);
      const UpsamplerTrainerOptions o = small_options(kind.name, loss);
      constexpr Index kChannels = 8, kSteps = 16;
      const FeatureFunction backbone = backbone_of(kChannels);
      UpsamplerTrainer whole(backbone, kChannels, o);
      const Index side = 32 * whole.photo_scale();
      const std::vector<Tensor> batch = {leaning_picture(side, side, 3)};
      double first = 0, last = 0;
      for (Index step = 0; step < kSteps; ++step) {
        const WithThreads n(step % 2 ? 1 : 3);
        const double at = whole.step(batch);
        if (step < 4) first += at / 4;
        if (step >= kSteps - 4) last += at / 4;
        if (step == 5) write_safetensors(file, state_of(whole));
      }
      CAPTURE(first);
      CAPTURE(last);
      CHECK(last < 0.9 * first);
      UpsamplerTrainer resumed(backbone, kChannels, o);
      resumed.load(Weights(file));
      REQUIRE(resumed.steps() == 6);
      for (Index step = 6; step < kSteps; ++step) resumed.step(batch);
      const auto expected = state_of(whole), actual = state_of(resumed);
      if (sizeof(real) == 4)  // files hold floats
        for (const auto& [name, tensor] : expected) CHECK(same_bits(actual.at(name), tensor));
      // The file with the trainer's state is read as an upsampler, as is one with the upsampler alone.
      const Tensor image = whole.image_of(batch[0]), low = backbone(image), map = whole.objective().map(low, image);
      // A stack averages its guidance itself, level by level.
      const Guide guide = [&](Index h, Index w) {
        return kind.name == "jbu" ? adaptive_avg_pool(image, h, w) : resize_triangle(image, h, w);
      };
      for (const auto& tensors : {expected, whole.upsampler()}) {
        write_safetensors(file, tensors);
        const Tensor again = (*open_upsampler(file))(low, guide, {map.dim(1), map.dim(2)});
        CHECK(relative_error(again, map) <= (kind.name == "jbu" || sizeof(real) == 8 ? 1e-5 : 0));
      }
    }
}

TEST_CASE("trained kinds: parts of a batch, as several processes take them, add up to it") {
  for (const TrainedKind& kind : trained_kinds()) {
    CAPTURE(kind.name);
    const UpsamplerTrainerOptions o = small_options(kind.name, TrainingLoss::views);
    const std::vector<Tensor> photos = {leaning_picture(32, 32, 1), leaning_picture(32, 32, 2),
                                        leaning_picture(32, 32, 3)};
    UpsamplerTrainer one(backbone_of(8), 8, o), two(backbone_of(8), 8, o), three(backbone_of(8), 8, o);
    const double whole = one.accumulate(photos, 0, 3),
                 parts = two.accumulate({photos[0], photos[1]}, 0, 3) + three.accumulate({photos[2]}, 2, 3);
    CHECK(parts == doctest::Approx(whole).epsilon(1e-12));
    const std::vector<double>&all = one.gradient_sums(), &first = two.gradient_sums(), &second = three.gradient_sums();
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      largest = std::max(largest, std::abs(all[i]));
      worst = std::max(worst, std::abs(first[i] + second[i] - all[i]));
    }
    CHECK(largest > 0);
    CHECK(worst <= 1e-12 * largest);
  }
}

TEST_CASE("trained kinds: forms enlarged are the forms of what is enlarged") {
  for (const TrainedKind& kind : trained_kinds())
    for (const Index channels : {Index{8}, Index{6}}) {  // 6 cannot be shared by NAF's four heads
      CAPTURE(kind.name);
      CAPTURE(channels);
      Random random(2);
      const auto upsampler = kind.make(channels, small_options(kind.name, TrainingLoss::views).objective, &random);
      const Tensor image = leaning_picture(32, 40, 1), low = backbone_of(channels)(image),
                   one = random.normal({3, channels}), two = random.normal({4, channels});
      const Tensor forms = upsampler->enlarge({{low, one, false}, {low, two, true}}, low, image).value,
                   all = upsampler->enlarge_all(low, low, image).value,
                   squares = upsampler->enlarge_all(square(Var(low)), low, image).value;
      CHECK(forms.dim(3) == 7);
      const Tensor expected =
          concat({linear(all, one, Tensor()), linear(squares, square(Var(two)).value, Tensor())}, 3);
      CHECK(relative_error(forms, expected) <= 1e-5);
      const Extent size = upsampler->map_size(4, 5);
      CHECK(all.shape() == Shape({1, size.height, size.width, channels}));
      const Tensor map = upsampler->map(low, image);
      const Tensor mixed = upsampler->mixed(Var(low)).value;
      Tensor recorded = upsampler->enlarge_all(Var(mixed), low, image).value;
      if (upsampler->constant().size() > 0) recorded = recorded + upsampler->constant().value;
      CHECK(relative_error(map, recorded) <= 5e-5);
    }
}

TEST_CASE("trained kinds: the loss on crops is 1 - cosine + squared error of the map over the crops' cells") {
  const Index channels = 6;
  const FeatureFunction backbone = backbone_of(channels);
  UpsamplerTrainerOptions o = small_options("naf", TrainingLoss::crops);
  Random random(4);
  UpsamplerObjective objective(channels, o.objective, &random);
  const Tensor photo = leaning_picture(64, 80, 2), image = adaptive_avg_pool(photo, 32, 40);
  UpsamplerExample e;
  e.image = image, e.features = backbone(image);
  std::vector<Tensor> views;
  double expected = 0;
  const Tensor map = objective.map(e.features, image);
  for (const auto& [top, left] : {std::pair<Index, Index>{0, 40}, {19, 7}}) {
    e.jitters.push_back({0, 2, top, left, false});
    const Tensor view = backbone(slice(slice(photo, 1, top, top + 32), 2, left, left + 40)),
                 predicted = predict_view(map, e.jitters.back(), 32, 40, 4, 5);
    views.push_back(view);
    for (Index p = 0; p < 20; ++p) {
      double dot = 0, a = 0, b = 0, error = 0;
      for (Index c = 0; c < channels; ++c) {
        const auto x = static_cast<double>(predicted.data()[p * channels + c]),
                   y = static_cast<double>(view.data()[p * channels + c]);
        dot += x * y, a += x * x, b += y * y, error += (x - y) * (x - y);
      }
      expected += (1 - dot / std::sqrt(a * b) + error / static_cast<double>(channels)) / 40;
    }
  }
  e.views = concat(views, 0);
  CHECK(static_cast<double>(objective.loss(e, {}).value.item()) == doctest::Approx(expected).epsilon(1e-4));
  CHECK(objective.parameters().size() == objective.upsampler().module().parameters().size());
}

TEST_CASE("trained kinds: a training starts from a file of its kind alone") {
  const TempFolder folder;
  const std::string file = folder / "start.safetensors";
  for (const TrainedKind& kind : trained_kinds()) {
    CAPTURE(kind.name);
    const LearnedUpsamplerOptions o = small_options(kind.name, TrainingLoss::views).objective;
    Random one(1), other(2);
    const auto from = kind.make(8, o, &one), to = kind.make(8, o, &other);
    std::map<std::string, Tensor> tensors, again;
    from->export_to(tensors);
    write_safetensors(file, tensors);
    start_from(*to, kind, Weights(file));
    to->export_to(again);
    for (const auto& [name, tensor] : tensors) CHECK(relative_error(again.at(name), tensor) <= 1e-6);
    for (const TrainedKind& wrong : trained_kinds())
      if (wrong.name != kind.name)
        CHECK(contains(message_of([&] { start_from(*wrong.make(8, o, &one), wrong, Weights(file)); }),
                       "holds an upsampler of the kind " + kind.name + ", not " + wrong.name));
    if (kind.name == "jafar")
      CHECK(contains(message_of([&] { start_from(*kind.make(6, o, &one), kind, Weights(file)); }),
                     "key_features_encoder.0.weight"));
    if (kind.name != "jbu") continue;
    LearnedUpsamplerOptions fewer = o, plain = o;
    fewer.layers.levels = 1, plain.layers.mixing = false;
    CHECK(contains(message_of([&] { start_from(*kind.make(8, fewer, &one), kind, Weights(file)); }), "has levels 2"));
    CHECK(contains(message_of([&] { start_from(*kind.make(8, plain, &one), kind, Weights(file)); }),
                   "mixes 8 channels at its end"));
  }
  write_safetensors(file, {{"other", Tensor::zeros({2})}});
  const TrainedKind& naf = trained_kind("naf");
  CHECK(contains(message_of([&] { start_from(*naf.make(8, {}, nullptr), naf, Weights(file)); }),
                 "holds no upsampler of the kind naf"));
  CHECK(contains(message_of([] { trained_kind("lift"); }), "choices are jbu, anyup, jafar, naf"));
}
