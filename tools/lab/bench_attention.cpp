// Attention upsamplers: the passes over the photo, and the attention itself.
#include <memory>

#include "core/random.h"
#include "featup/attention/anyup.h"
#include "featup/attention/jafar.h"
#include "featup/attention/naf.h"
#include "tools/lab/bench_case.h"

namespace fu {

namespace {

/// Random features of `grid` x `grid` cells of 384 channels, and a photo of 16 times that size.
template <class Network, class Run, class Windows>
BenchRun upsample(std::shared_ptr<const Network> network, Index grid, double gflop, const Windows& windows) {
  Random random(6);
  const Index side = 16 * grid;
  const auto run = std::make_shared<const Run>(network);
  const Tensor image = random.normal({1, side, side, 3}), features = random.normal({1, grid, grid, 384});
  const auto out = std::make_shared<Tensor>(Shape{1, side, side, 384});
  return {[=] {
            const QueriesAndKeys made = (*run)(image, features, {side, side});
            attend(made, features, windows(side, grid), made.use, out->data());
          },
          gflop};
}

constexpr double kLayer = 2 * 128 * 128 * 1e-9;  // a 1x1 convolution, GFLOP a pixel

/// 14 layers of 1x1 convolutions, one of 3x3 and the projection of queries; scores and sums over the window's cells.
double anyup_gflop(Index grid, double cells) {
  return 256.0 * static_cast<double>(grid * grid) * (24 * kLayer + 2e-9 * cells * (128 + 384));
}

BenchRun anyup(Index grid, double cells) {
  Random random(5);
  return upsample<AnyUp, AnyUpRun>(std::make_shared<const AnyUp>(&random), grid, anyup_gflop(grid, cells),
                                   [](Index side, Index cells_a_side) {
                                     return cells_within(side, side, cells_a_side, cells_a_side, kAnyUpWindow);
                                   });
}

BenchRun jafar(Index grid) {
  Random random(5);
  return upsample<Jafar, JafarRun>(std::make_shared<const Jafar>(384, &random), grid,
                                   anyup_gflop(grid, static_cast<double>(grid * grid)),
                                   [](Index side, Index cells) { return all_cells(side, side, cells, cells); });
}

/// 4 layers of 1x1 and 4 of 3x3 convolutions, counted as they are defined; scores of 256 channels of 81 cells.
BenchRun naf(Index grid) {
  Random random(5);
  const double gflop = 256.0 * static_cast<double>(grid * grid) * (40 * kLayer + 2e-9 * 81 * (256 + 384));
  return upsample<Naf, NafRun>(std::make_shared<const Naf>(&random), grid, gflop, [](Index side, Index cells) {
    return Naf::windows({side, side}, cells, cells);
  });
}

}  // namespace

std::vector<BenchCase> bench_attention() {
  return {
      {"anyup_14_224", [] { return anyup(14, 16); }},
      {"anyup_32_512", [] { return anyup(32, 56); }},
      {"jafar_14_224", [] { return jafar(14); }},
      {"naf_14_224", [] { return naf(14); }},
  };
}

}  // namespace fu
