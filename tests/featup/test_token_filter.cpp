// What a stack's levels are given: averages of like tokens, and what these lose put back where it stands out.
#include <cmath>

#include "core/resample.h"
#include "featup/jbu.h"
#include "featup/preprocess.h"
#include "featup/token_filter.h"
#include "featup/upsampler.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

TokenFilter filter(real place, real strength = 0) {
  TokenFilter f;
  f.place = place, f.strength = strength;
  return f;
}

/// Left half one colour, right half another, with a little grain: normalised, 4 pixels a token.
Tensor two_halves(Index h, Index w, Random& random) {
  Tensor photo = random.normal({1, 4 * h, 4 * w, 3});
  for (Index p = 0; p < 16 * h * w; ++p)
    for (Index c = 0; c < 3; ++c) {
      real& v = photo.data()[p * 3 + c];
      v = v / 20 + (p % (4 * w) < 2 * w ? -1 : 1);
    }
  return photo;
}

/// Of one half 1, of the other -1, all channels alike, with noise.
Tensor noisy_halves(Index h, Index w, Index c, real noise, Random& random, Tensor& clean) {
  clean = Tensor({1, h, w, c});
  for (Index i = 0; i < clean.size(); ++i) clean.data()[i] = i / c % w < w / 2 ? -1 : 1;
  return clean + unary(Unary::affine, random.normal(clean.shape()), noise);
}

double error_of(const Tensor& a, const Tensor& b) { return static_cast<double>(mean(unary(Unary::square, a - b)).item()); }

}  // namespace

TEST_CASE("token filter: the average is its definition, over tiles and borders") {
  Random random(3);
  for (const Extent size : {Extent{19, 34}, Extent{1, 1}, Extent{2, 40}, Extent{9, 3}}) {
    CAPTURE(size.height);
    const Index h = size.height, w = size.width, c = 5;
    const Tensor x = random.normal({1, h, w, c}), photo = random.normal({1, 16 * h, 16 * w, 3});
    TokenFilter f = filter(3);
    f.color = real(0.2), f.texture = real(0.1), f.features = real(0.9), f.blur = h > 2 ? real(0.7) : 0;
    const Tensor got = average_like_tokens(f, x, photo);

    // Everything in doubles, one token after the other.
    const Index n = h * w;
    const double deviation[3] = {0.229, 0.224, 0.225};
    std::vector<double> color(static_cast<std::size_t>(3 * n)), texture(static_cast<std::size_t>(n)), centre(static_cast<std::size_t>(c));
    for (Index p = 0; p < n; ++p)
      for (Index k = 0; k < 3; ++k) {
        double sum = 0, squares = 0;
        for (Index i = 0; i < 256; ++i) {
          const double v = deviation[k] * static_cast<double>(photo.data()[((p / w * 16 + i / 16) * 16 * w + p % w * 16 + i % 16) * 3 + k]);
          sum += v / 256, squares += v * v / 256;
        }
        color[static_cast<std::size_t>(3 * p + k)] = sum, texture[static_cast<std::size_t>(p)] += squares - sum * sum;
      }
    // Features as they are compared: a Gaussian over all tokens within three widths.
    std::vector<double> seen(static_cast<std::size_t>(x.size()));
    for (Index p = 0; p < n; ++p) {
      double sum = 0;
      for (Index q = 0; q < n; ++q) {
        const double dy = static_cast<double>(p / w - q / w), dx = static_cast<double>(p % w - q % w);
        if (std::max(std::abs(dy), std::abs(dx)) > (f.blur > 0 ? 3 : 0)) continue;
        const double weight = f.blur > 0 ? std::exp(-(dy * dy + dx * dx) / 0.98) : 1;
        sum += weight;
        for (Index k = 0; k < c; ++k) seen[static_cast<std::size_t>(p * c + k)] += weight * static_cast<double>(x.data()[q * c + k]);
      }
      for (Index k = 0; k < c; ++k) seen[static_cast<std::size_t>(p * c + k)] /= sum;
    }
    double spread = 0;
    for (Index i = 0; i < x.size(); ++i) centre[static_cast<std::size_t>(i % c)] += seen[static_cast<std::size_t>(i)] / static_cast<double>(n);
    for (Index i = 0; i < x.size(); ++i)
      spread += std::pow(seen[static_cast<std::size_t>(i)] - centre[static_cast<std::size_t>(i % c)], 2) / static_cast<double>(n);
    double worst = 0;
    for (Index p = 0; p < n; ++p) {
      std::vector<double> sum(static_cast<std::size_t>(c));
      double total = 0;
      for (Index q = 0; q < n; ++q) {
        const double dy = static_cast<double>(p / w - q / w), dx = static_cast<double>(p % w - q % w);
        if (std::abs(dy) > 8 || std::abs(dx) > 8) continue;
        const auto two = [](double v) { return v * v; };
        double d = (dy * dy + dx * dx) / 9;
        for (Index k = 0; k < 3; ++k) d += two(color[static_cast<std::size_t>(3 * p + k)] - color[static_cast<std::size_t>(3 * q + k)]) / (0.2 * 0.2);
        d += two(std::sqrt(texture[static_cast<std::size_t>(p)]) - std::sqrt(texture[static_cast<std::size_t>(q)])) / (0.1 * 0.1);
        for (Index k = 0; k < c && spread > 0; ++k)
          d += two(seen[static_cast<std::size_t>(p * c + k)] - seen[static_cast<std::size_t>(q * c + k)]) / (0.81 * spread);
        const double weight = std::exp(-d / 2);
        total += weight;
        for (Index k = 0; k < c; ++k) sum[static_cast<std::size_t>(k)] += weight * static_cast<double>(x.data()[q * c + k]);
      }
      for (Index k = 0; k < c; ++k)
        worst = std::max(worst, std::abs(sum[static_cast<std::size_t>(k)] / total - static_cast<double>(got.data()[p * c + k])));
    }
    CHECK(worst < 1e-4);
  }
}

TEST_CASE("token filter: noise goes, outlines and what is one token wide stay") {
  Random random(4);
  const Index h = 12, w = 16, c = 24;
  const Tensor photo = two_halves(h, w, random);
  Tensor clean;
  const Tensor noisy = noisy_halves(h, w, c, real(0.5), random, clean);
  const double before = error_of(noisy, clean);
  CHECK(error_of(average_like_tokens(filter(10), noisy, photo), clean) < 0.1 * before);

  // One token is quite another thing, in a photo that does not show it.
  Tensor odd = noisy.clone();
  const Index at = (5 * w + 3) * c;
  for (Index k = 0; k < c; ++k) odd.data()[at + k] = 4;
  const auto none = [](const Tensor& x) { return x; };
  TokenFilter f = filter(10);
  f.features = 1000;  // so that the average swallows it
  const auto value = [&](const Tensor& x) {
    double v = 0;
    for (Index k = 0; k < c; ++k) v += static_cast<double>(x.data()[at + k]) / static_cast<double>(c);
    return v;
  };
  CHECK(value(filter_tokens(f, odd, photo, none)) < 0);
  f.strength = real(1.2);
  const Tensor kept = filter_tokens(f, odd, photo, none);
  CHECK(value(kept) > 3);
  Tensor others = kept.clone(), truth = clean.clone();
  for (Index k = 0; k < c; ++k) others.data()[at + k] = truth.data()[at + k] = 0;
  CHECK(error_of(others, truth) < 0.6 * before);
}

TEST_CASE("token filter: flat features stay as they are, and what is put back has no unit") {
  Random random(5);
  const Tensor photo = random.normal({1, 40, 32, 3}), flat = Tensor::full({1, 10, 8, 3}, real(0.7));
  const auto half = [](const Tensor& x) { return unary(Unary::affine, x, real(0.5)); };
  CHECK(relative_error(average_like_tokens(filter(10, 1), flat, photo), flat) < 1e-6);
  const auto none = [](const Tensor& x) { return x; };
  CHECK(relative_error(filter_tokens(filter(10, 1), flat, photo, none), flat) < 1e-6);
  // Twice the features, twice the result.
  const Tensor x = random.normal({1, 10, 8, 6});
  const Tensor once = filter_tokens(filter(10, 1), x, photo, half), twice = filter_tokens(filter(10, 1), x + x, photo, half);
  CHECK(relative_error(twice, once + once) < 1e-5);
  CHECK(same_bits(filter_tokens(filter(0, 0), x, photo, half), x));
}

TEST_CASE("token filter: files that cannot be meant are refused") {
  const TempFolder folder;
  const Tensor good = filter(10, 1).numbers();
  CHECK(same_bits(TokenFilter::from(good).numbers(), good));
  const Weights builtin(std::string(FU_SOURCE_DIR) + "/featup/builtin/jbu.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, entry] : builtin.entries()) tensors[name] = builtin.read(name);
  REQUIRE(tensors.count("upsampler.token_filter") == 1);
  for (Index i = 0; i < 7; ++i)
    for (const real bad : {real(-1), std::numeric_limits<real>::quiet_NaN(), std::numeric_limits<real>::infinity(), real(1e-30), real(0)}) {
      CAPTURE(i);
      CAPTURE(bad);
      Tensor numbers = good.clone();
      numbers.data()[i] = bad;
      tensors["upsampler.token_filter"] = numbers;
      write_safetensors(folder / "bad.safetensors", tensors);
      if ((bad == 0 && (i == 0 || i == 6)) || (bad >= 0 && bad < 1 && (i == 4 || i == 5)))
        CHECK_NOTHROW(JbuStack(Weights(folder / "bad.safetensors")));
      else
        CHECK_THROWS_AS(JbuStack(Weights(folder / "bad.safetensors")), FileError);
    }
  tensors["upsampler.token_filter"] = Tensor::full({5}, 1);
  write_safetensors(folder / "bad.safetensors", tensors);
  CHECK_THROWS_AS(JbuStack(Weights(folder / "bad.safetensors")), FileError);
  // A file from before there was a filter: the same share everywhere.
  tensors.erase("upsampler.token_filter");
  tensors["upsampler.back_projection"] = Tensor::full({}, real(0.5));
  write_safetensors(folder / "old.safetensors", tensors);
  const TokenFilter old = JbuStack(Weights(folder / "old.safetensors")).filter;
  CHECK((old.place == 0 && old.strength == real(0.5) && old.noise == 0));
}

TEST_CASE("token filter: it looks at patches of one size, and not where nothing is enlarged") {
  Random random(6);
  CHECK(patch_pixels(14, 14) == 16);
  CHECK(patch_pixels(1000, 1000) == 2);
  const Tensor x = random.normal({1, 6, 5, 4}), coarse = random.normal({1, 24, 20, 3});
  CHECK(same_bits(average_like_tokens(filter(10), x, coarse), average_like_tokens(filter(10), x, resize_triangle(coarse, 96, 80))));

  // The largest features that are read do not overflow.
  const auto none = [](const Tensor& y) { return y; };
  const Tensor huge = filter_tokens(filter(10, 1), unary(Unary::affine, x, real(1e18)), coarse, none);
  for (Index i = 0; i < huge.size(); ++i) CHECK(std::isfinite(huge.data()[i]));

  const auto upsampler = open_upsampler("builtin");
  Index asked = 0;
  const Guide guide = [&](Index h, Index w) {
    asked = std::max(asked, h);
    return Tensor::zeros({1, h, w, 3});
  };
  const Tensor same = (*upsampler)(x, guide, {6, 5});
  CHECK(asked == 0);
  CHECK(relative_error(same, x) < 1e-6);
}

TEST_CASE("token filter: views in front of a stack leave it out") {
  const TempFolder folder;
  const Weights builtin(std::string(FU_SOURCE_DIR) + "/featup/builtin/jbu.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, entry] : builtin.entries())
    if (name != "upsampler.token_filter") tensors[name] = builtin.read(name);
  write_safetensors(folder / "plain.safetensors", tensors);
  Random random(7);
  const Tensor photo = random.normal({1, 96, 96, 3}), x = random.normal({1, 6, 6, 4});
  const Guide guide = [&](Index h, Index w) { return h > 0 ? resize_triangle(photo, h, w) : photo; };
  UpsamplerOptions options;
  options.backbone = [&](const Tensor&) { return x; };
  const auto through = [&](const std::string& name) { return (*open_upsampler(name, options))(x, guide, {96, 96}); };
  CHECK(same_bits(through("views:2+builtin"), through("views:2+" + (folder / "plain.safetensors"))));
  CHECK(relative_error(through("builtin"), through(folder / "plain.safetensors")) > 0.01);
}
