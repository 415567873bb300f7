// Fitting an implicit upsampler: it learns, with every ablation, and the same for any number of threads.
#include "core/pool.h"
#include "featup/published/implicit_fit.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// A photo with an edge, and views of it through a backbone that averages colour and brightness over cells of 8 pixels.
struct Setting {
  Tensor image;
  std::vector<JitteredView> views;
  Setting() : image({1, 40, 48, 3}) {
    Random random(2);
    for (Index p = 0; p < 40 * 48; ++p)
      for (Index c = 0; c < 3; ++c)
        image.data()[p * 3 + c] = (p % 48 > 20 + p / 96 ? real(0.8) : real(-0.4)) * static_cast<real>(c + 1) +
                                  random.uniform(real(-0.05), real(0.05));
    const Tensor mixing = random.normal({6, 3});
    for (int v = 0; v < 12; ++v) {
      const Jitter jitter = draw_jitter(random, 40, 48, 8, 1.8);
      views.push_back({jitter, adaptive_avg_pool(linear(apply_jitter(image, jitter), mixing, Tensor()), 5, 6)});
    }
  }
  std::vector<const JitteredView*> some(int step) const {
    std::vector<const JitteredView*> drawn;
    for (int i = 0; i < 3; ++i) drawn.push_back(&views[static_cast<std::size_t>((3 * step + i) % 12)]);
    return drawn;
  }
};

ImplicitFitOptions small() {
  ImplicitFitOptions o;
  o.upsampler.frequencies = 5;
  o.kernel = 11;
  return o;
}

}  // namespace

TEST_CASE("implicit fit: every ablation learns") {
  const Setting setting;
  std::vector<ImplicitFitOptions> all(8, small());
  all[1].downsampler = "simple";
  all[2].uncertainty = false;
  all[3].upsampler.color = false;
  all[4].magnitude = all[4].tv = all[4].blur_pin = 0;
  all[5].published_grid = true;
  all[6].upsampler.dropout_in = all[6].upsampler.dropout_hidden = all[6].dropout_saliency = 0;
  all[7].upsampler.highest = 4;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    Random random(3);
    ImplicitFit fit(setting.image, 6, all[i], &random);
    const auto total = [&] {
      double sum = 0;
      for (int step = 0; step < 4; ++step) sum += static_cast<double>(fit.loss(setting.some(step)).value.item());
      return sum;
    };
    const double before = total();
    fit.set_coarse(i == 0);
    for (int step = 0; step < 40; ++step) fit.step(setting.some(step));
    fit.set_coarse(false);
    CHECK(total() < before - 0.2 * std::abs(before));
    CHECK(fit.map().shape() == Shape{1, 40, 48, 6});
  }
}

TEST_CASE("implicit fit: the same bits for any number of threads, the same memory for any number of steps") {
  const Setting setting;
  const auto run = [&](int threads) {
    const WithThreads n(threads);
    Random random(3), draws(4);
    ImplicitFit fit(setting.image, 6, small(), &random);
    fit.train(draws);
    for (int step = 0; step < 4; ++step) fit.step(setting.some(step));
    const std::size_t before = pool_stats().system_calls;
    for (int step = 4; step < 8; ++step) fit.step(setting.some(step));
    CHECK(pool_stats().system_calls <= before + 2);  // dropout keeps other numbers of columns, so a size may be new
    fit.eval();
    return fit.map();
  };
  CHECK(same_bits(run(1), run(2)));
}

TEST_CASE("implicit fit: refused") {
  Random random(1);
  const Tensor image = Tensor::zeros({1, 40, 48, 3});
  ImplicitFit fit(image, 6, small(), &random);
  CHECK(contains(message_of([&] { fit.step({}); }), "[implicit fit] a step wants at least one view"));
  JitteredView wrong{Jitter{8, 1, 0, 0, false}, Tensor::zeros({1, 5, 6, 7})};
  CHECK(contains(message_of([&] { fit.step({&wrong}); }), "[implicit fit] view (1,5,6,7) of features of 6 channels"));
  CHECK(contains(message_of([&] {
                   ImplicitFit(Tensor::zeros({1, 40, 48, 4}), 6, small(), &random);
                 }),
                 "[implicit fit] image (1,40,48,4)"));
}
