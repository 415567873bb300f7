// The JBU stack as `upsample` runs it: levels, token filter and smoothing.
#include <memory>

#include "core/random.h"
#include "featup/builtin/builtin.h"
#include "featup/jbu/jbu.h"
#include "tools/lab/bench_case.h"

namespace fu {

namespace {

JbuStack random_stack() {
  std::map<std::string, Shape> shapes;
  for (int i = 1; i <= 4; ++i) {
    const std::string p = "upsampler.up" + std::to_string(i) + ".";
    shapes[p + "range_temp"] = shapes[p + "sigma_spatial"] = Shape{};
    shapes[p + "range_proj.0.weight"] = {32, 3, 1, 1};
    shapes[p + "range_proj.3.weight"] = {32, 32, 1, 1};
    shapes[p + "range_proj.0.bias"] = shapes[p + "range_proj.3.bias"] = {32};
    shapes[p + "fixup_proj.0.weight"] = {49, 52, 1, 1};
    shapes[p + "fixup_proj.3.weight"] = {49, 49, 1, 1};
    shapes[p + "fixup_proj.0.bias"] = shapes[p + "fixup_proj.3.bias"] = {49};
  }
  const TemporaryWeights file(shapes);
  return JbuStack{Weights(file.path())};
}

/// Work of a pixel of a level: keys (3 -> 32 -> 32), 49 products of keys, fix-up (52 -> 49 -> 49), 49 weights on every
/// channel.
double jbu_pixel(Index channels) {
  return 2 * (3 * 32 + 32 * 32 + 49 * 32 + 52 * 49 + 49 * 49 + 49.0 * static_cast<double>(channels));
}

BenchRun jbu(Index grid, Index channels) {
  Random random(3);
  const auto stack = std::make_shared<JbuStack>(random_stack());
  const Tensor source = random.uniform({1, grid, grid, channels}, -1, 1),
               guidance = random.uniform({1, 16 * grid, 16 * grid, 3}, -1, 1);
  auto out = std::make_shared<Tensor>(Shape{16 * grid, 16 * grid, channels});
  double pixels = 0;
  for (int level = 1; level <= 4; ++level) pixels += static_cast<double>((grid << level) * (grid << level));
  return {[=] { JbuRun(*stack, source, guidance, 4).rows(0, 16 * grid, out->data()); },
          1e-9 * jbu_pixel(channels) * pixels};
}

/// The token filter of the built-in stack, which runs before its levels.
BenchRun token_filter(Index grid, Index channels) {
  Random random(4);
  const auto stack = std::make_shared<JbuStack>(builtin_stack());
  const Tensor source = random.uniform({1, grid, grid, channels}, -1, 1),
               photo = random.uniform({1, 16 * grid, 16 * grid, 3}, -1, 1);
  const double flops = jbu_pixel(channels) * static_cast<double>(4 * grid * grid);  // of the first level
  return {[=] { jbu_source(*stack, source, photo); }, 1e-9 * flops};
}

/// The smoothing of the built-in stack, which runs after its second level.
BenchRun smoothing(Index grid, Index channels) {
  Random random(5);
  // One surface with some grain: colours that differ little.
  const Tensor photo = random.uniform({1, 4 * grid, 4 * grid, 3}, real(-0.05), real(0.05));
  const auto map = std::make_shared<Tensor>(random.uniform({1, 4 * grid, 4 * grid, channels}, -1, 1));
  PhotoSmoothing options;
  options.strength = 30;
  return {[=] { photo_smoother(options, photo).apply(*map); }, 1e-9 * 20 * static_cast<double>(map->size())};
}

}  // namespace

std::vector<BenchCase> bench_stack() {
  return {
      {"jbu_14_384", [] { return jbu(14, 384); }},
      {"jbu_14_1", [] { return jbu(14, 1); }},
      {"jbu_64_384", [] { return jbu(64, 384); }},
      {"token_filter_14_384", [] { return token_filter(14, 384); }},
      {"token_filter_64_384", [] { return token_filter(64, 384); }},
      {"smoothing_14_384", [] { return smoothing(14, 384); }},
      {"smoothing_64_384", [] { return smoothing(64, 384); }},
  };
}

}  // namespace fu
