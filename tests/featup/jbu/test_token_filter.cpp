// What a stack does besides its levels: tokens' details put back and drawn to the mean before them, the map smoothed
// along the photo among them.
#include <Eigen/Dense>
#include <cmath>

#include "core/ops/resample.h"
#include "featup/jbu/jbu.h"
#include "featup/photo/preprocess.h"
#include "featup/training/upsampler_objective.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

TokenFilter filter(real strength, real shrinkage = 0) {
  TokenFilter f;
  f.strength = strength, f.shrinkage = shrinkage;
  return f;
}

Tensor to_nothing(const Tensor& x) { return Tensor::zeros(x.shape()); }

std::map<std::string, Tensor> builtin_tensors() {
  const Weights builtin(std::string(FU_SOURCE_DIR) + "/featup/builtin/jbu.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, entry] : builtin.entries()) tensors[name] = builtin.read(name);
  return tensors;
}

/// Left half dark, right half bright, with a little grain, normalised.
Tensor two_halves(Index h, Index w, Random& random) {
  Tensor photo = random.normal({1, h, w, 3});
  for (Index i = 0; i < photo.size(); ++i) photo.data()[i] = photo.data()[i] / 50 + (i / 3 % w < w / 2 ? -1 : 1);
  return photo;
}

}  // namespace

TEST_CASE("token filter: what is put back and how far tokens are drawn is as defined") {
  Random random(4);
  const Index n = 6 * 5, c = 7;
  const Tensor x = random.normal({1, 6, 5, c});
  const Tensor got = filter_tokens(filter(real(1.5), real(0.2)), x, to_nothing);
  // Token by token in doubles; all of a token is residual here.
  std::vector<double> energy(n), centre(c);
  double mean = 0;
  for (Index i = 0; i < x.size(); ++i)
    energy[static_cast<std::size_t>(i / c)] += std::pow(static_cast<double>(x.data()[i]), 2);
  for (const double e : energy) mean += e / static_cast<double>(n);
  const auto restored = [&](Index i) {
    const double e = energy[static_cast<std::size_t>(i / c)];
    return static_cast<double>(x.data()[i]) * (1 + 1.5 * e / (e + mean));
  };
  for (Index i = 0; i < x.size(); ++i) centre[static_cast<std::size_t>(i % c)] += restored(i) / static_cast<double>(n);
  double worst = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const double expected = 0.8 * restored(i) + 0.2 * centre[static_cast<std::size_t>(i % c)];
    worst = std::max(worst, std::abs(expected - static_cast<double>(got.data()[i])));
  }
  CHECK(worst < 1e-5);
}

TEST_CASE("token filter: flat features stay, the features' unit does not matter, the largest do not overflow") {
  Random random(5);
  const auto half = [](const Tensor& x) { return unary(Unary::affine, x, real(0.5)); };
  const auto same = [](const Tensor& x) { return x; };
  const Tensor flat = Tensor::full({1, 10, 8, 3}, real(0.7)), x = random.normal({1, 10, 8, 6});
  CHECK(relative_error(filter_tokens(filter(1, real(0.3)), flat, same), flat) < 1e-6);
  const Tensor once = filter_tokens(filter(1, real(0.3)), x, half),
               twice = filter_tokens(filter(1, real(0.3)), x + x, half);
  CHECK(relative_error(twice, once + once) < 1e-5);
  CHECK(same_bits(filter_tokens(filter(0), x, half), x));
  const Tensor huge = filter_tokens(filter(1, real(0.3)), unary(Unary::affine, x, real(1e18)), half);
  for (Index i = 0; i < huge.size(); ++i) CHECK(std::isfinite(huge.data()[i]));
  CHECK_THROWS_AS(filter_tokens(filter(1), Tensor::zeros({2, 3, 3, 4}), half), ShapeError);
}

TEST_CASE("token filter, smoothing: files that cannot be meant are refused") {
  const TempFolder folder;
  std::map<std::string, Tensor> tensors = builtin_tensors();
  const std::string bad = folder / "bad.safetensors";
  const auto loads = [&] {
    write_safetensors(bad, tensors);
    try {
      JbuStack stack{Weights(bad)};
      return true;
    } catch (const FileError& e) {
      CHECK(contains(e.what(), "bad.safetensors"));
      return false;
    }
  };
  const std::string names[] = {"upsampler.token_filter", "upsampler.smoothing"};
  const real nan = std::numeric_limits<real>::quiet_NaN(), infinite = std::numeric_limits<real>::infinity();
  for (const std::string& name : names) {
    CAPTURE(name);
    const Tensor good = tensors.at(name);  // the built-in stack has both
    for (Index i = 0; i < good.size(); ++i)
      for (const real value : {real(-1), nan, infinite, real(1e7), real(0)}) {
        CAPTURE(i);
        CAPTURE(value);
        tensors[name] = good.clone();
        tensors[name].data()[i] = value;
        CHECK(loads() == (value == 0 && !(name == names[1] && i == 1)));  // a width of 0 means nothing
      }
    tensors[name] = Tensor::full({7}, real(0.5));
    CHECK(!loads());
    tensors[name] = good;
  }
  CHECK(loads());
  tensors[names[0]].data()[2] = 1;  // a shrinkage of 1 would leave the mean alone
  CHECK(!loads());
  // A file from before there was a filter: the same share everywhere.
  tensors.erase(names[0]);
  tensors["upsampler.back_projection"] = Tensor::full({}, real(0.5));
  CHECK(loads());
  const TokenFilter old = JbuStack(Weights(bad)).filter;
  CHECK((old.strength == real(0.5) && old.noise == 0 && old.shrinkage == 0));
}

TEST_CASE("smoothing: it solves the equations that it says, with the links of the photo's colours") {
  Random random(9);
  for (const Extent size : {Extent{5, 7}, Extent{1, 9}, Extent{6, 1}, Extent{1, 1}}) {
    CAPTURE(size.height);
    const Index h = size.height, w = size.width, n = h * w;
    PhotoSmoothing smoothing;
    smoothing.strength = 40, smoothing.color = real(0.1);
    const Tensor photo = random.uniform({1, h, w, 3}, real(-0.5), real(0.5)), x = random.normal({1, h, w, 2});
    const double deviation[] = {0.229, 0.224, 0.225};
    Eigen::MatrixXd expected(n, 2);
    for (Index i = 0; i < n * 2; ++i) expected(i / 2, i % 2) = static_cast<double>(x.data()[i]);
    for (const double s : {0.4 * 40, 0.1 * 40})
      for (const bool below : {false, true}) {
        Eigen::MatrixXd equations = Eigen::MatrixXd::Identity(n, n);
        for (Index p = 0; p < n; ++p) {
          if (below ? p / w == h - 1 : p % w == w - 1) continue;
          const Index step = below ? w : 1;
          double distance = 0;
          for (Index c = 0; c < 3; ++c)
            distance += std::pow(
                deviation[c] * static_cast<double>(photo.data()[p * 3 + c] - photo.data()[(p + step) * 3 + c]), 2);
          const double link = s * std::exp(-distance / (2 * 0.1 * 0.1));
          equations(p, p) += link, equations(p + step, p + step) += link;
          equations(p, p + step) -= link, equations(p + step, p) -= link;
        }
        expected = equations.ldlt().solve(expected).eval();
      }
    Tensor got = x.clone();
    photo_smoother(smoothing, photo).apply(got);
    double worst = 0;
    for (Index i = 0; i < n * 2; ++i)
      worst = std::max(worst, std::abs(expected(i / 2, i % 2) - static_cast<double>(got.data()[i])));
    CHECK(worst < 1e-4);
  }
}

TEST_CASE("smoothing: noise goes, and outlines stay") {
  Random random(6);
  const Index h = 24, w = 32, c = 5;
  const Tensor photo = two_halves(h, w, random);
  Tensor clean({1, h, w, c});
  for (Index i = 0; i < clean.size(); ++i) clean.data()[i] = i / c % w < w / 2 ? -1 : 1;
  Tensor map = clean + random.normal(clean.shape());
  const auto error = [&] { return static_cast<double>(mean(unary(Unary::square, map - clean)).item()); };
  const double before = error();
  PhotoSmoothing smoothing;
  smoothing.strength = 100;
  const LinkSmoother smoother = photo_smoother(smoothing, photo);
  smoother.apply(map);
  CHECK(error() < 0.03 * before);
  Tensor flat = Tensor::full({1, h, w, c}, 3);
  smoother.apply(flat);
  CHECK(relative_error(flat, Tensor::full({1, h, w, c}, 3)) < 1e-5);
  // Without links nothing moves; over equal ones the mean is kept.
  const Tensor none = Tensor::zeros({h, w}), all = Tensor::full({h, w}, 1);
  Tensor other = random.normal({1, h, w, c});
  const Tensor kept = other.clone();
  LinkSmoother(none, none, 100).apply(other);
  CHECK(same_bits(other, kept));
  LinkSmoother(all, all, 100).apply(other);
  CHECK(mean(other).item() == doctest::Approx(mean(kept).item()).epsilon(1e-4));
  Tensor wrong({1, h, w + 1, c});
  CHECK_THROWS_AS(smoother.apply(wrong), ShapeError);
}

TEST_CASE("smoothing: a stack smooths after its second level, in bands as at once, and in training as in inference") {
  const JbuStack stack(Weights(std::string(FU_SOURCE_DIR) + "/featup/builtin/jbu.safetensors"));
  REQUIRE(stack.smoothing.present());
  JbuStack plain = stack;
  plain.smoothing = {};
  Random random(7);
  const Tensor source = random.normal({1, 6, 7, 5}), photo = two_halves(96, 112, random);
  for (int count : {1, 2, 3, 4}) {
    CAPTURE(count);
    Tensor expected = JbuRun(plain, source, photo, std::min(count, 2)).all();
    if (count >= 2) photo_smoother(stack.smoothing, adaptive_avg_pool(photo, 24, 28)).apply(expected);
    if (count > 2) {
      JbuStack rest = plain;
      rest.levels.erase(rest.levels.begin(), rest.levels.begin() + 2);
      expected = JbuRun(rest, expected, photo, count - 2).all();
    }
    JbuRun run(stack, source, photo, count);
    Tensor banded({1, run.height(), run.width(), 5});
    for (Index i = 0; i < run.height(); i += 4)
      run.rows(i, std::min(i + 4, run.height()), banded.data() + i * run.width() * 5);
    CHECK(same_bits(banded, expected));
    CHECK((relative_error(banded, JbuRun(plain, source, photo, count).all()) > 0.05) == (count >= 2));
  }

  UpsamplerObjectiveOptions options;
  options.layers.mixing = false, options.layers.color_range = 0.05, options.layers.unit_sum = true,
  options.layers.dropout = 0;
  options.filter = filter(real(1.5), real(0.1));
  options.layers.smoothing.strength = 30;
  UpsamplerObjective training(5, options, &random);
  training.eval();
  std::map<std::string, Tensor> tensors;
  training.export_to(tensors);
  const TempFolder folder;
  write_safetensors(folder / "stack.safetensors", tensors);
  const auto upsampler = open_upsampler(folder / "stack.safetensors");
  const Guide guide = [&](Index h, Index w) { return h > 0 ? resize_triangle(photo, h, w) : photo; };
  CHECK(relative_error((*upsampler)(source, guide, {96, 112}), training.map(source, photo)) < 1e-4);
}

TEST_CASE("token filter, smoothing: not where nothing is enlarged, nor behind views") {
  Random random(8);
  const Tensor x = random.normal({1, 6, 6, 4}), photo = random.normal({1, 96, 96, 3});
  const auto upsampler = open_upsampler("builtin");
  Index asked = 0;
  const Guide counting = [&](Index h, Index w) {
    asked = std::max(asked, h);
    return Tensor::zeros({1, h, w, 3});
  };
  CHECK(relative_error((*upsampler)(x, counting, {6, 6}), x) < 1e-6);
  CHECK(asked == 0);

  const TempFolder folder;
  std::map<std::string, Tensor> tensors = builtin_tensors();
  tensors.erase("upsampler.token_filter"), tensors.erase("upsampler.smoothing");
  write_safetensors(folder / "plain.safetensors", tensors);
  const Guide guide = [&](Index h, Index w) { return h > 0 ? resize_triangle(photo, h, w) : photo; };
  UpsamplerOptions options;
  options.backbone = [&](const Tensor&) { return x; };
  const auto through = [&](const std::string& name) { return (*open_upsampler(name, options))(x, guide, {96, 96}); };
  CHECK(same_bits(through("views:2+builtin"), through("views:2+" + (folder / "plain.safetensors"))));
  CHECK(relative_error(through("builtin"), through(folder / "plain.safetensors")) > 0.01);
}
