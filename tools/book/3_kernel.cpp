// Chapter 3: runs the steps of 3_kernel_steps.cpp with the widest vectors of this processor, and measures them.
#include "tools/book/3_kernel.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "core/ops.h"
#include "core/parallel.h"
#include "core/random.h"
#include "tools/book/book.h"
#include "tools/media/chart.h"
#include "tools/media/line_chart.h"

using namespace fu;
using namespace fu::book;

namespace {

constexpr Index kSide = 960;

/// Instruction sets that this program was compiled for and this processor runs, the widest last.
std::vector<const KernelSteps*> all_steps() {
  std::vector<const KernelSteps*> all = {&basic::steps()};
#ifdef BOOK_X86_64
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&avx2::steps());
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) all.push_back(&avx512::steps());
#endif
  return all;
}
const KernelSteps& best_steps() { return *all_steps().back(); }

//! [threads]
/// The packed product with as many threads as set_threads() allows: each packs some panels of b, then takes blocks of
/// rows. packed: n * n numbers.
void packed(const KernelSteps& s, Index n, const real* a, const real* b, real* c, real* packed) {
  const int workers = threads();
  std::vector<real> scratch(usize(workers * s.block * n));
  parallel_for(n / s.cols, workers, [&](Index panel, int) { s.pack_b(n, b, panel, packed); });
  parallel_for(n / s.block, workers, [&](Index block, int worker) {
    s.packed_rows(n, a, packed, c, block * s.block, scratch.data() + worker * s.block * n);
  });
}
//! [threads]

/// Sets the number of threads for the time of a measurement.
struct Threads {
  explicit Threads(int n) { set_threads(n); }
  ~Threads() { set_threads(0); }
};

struct Step {
  std::string name;
  std::function<void(const real* a, const real* b, real* c)> run;
};

/// All steps that run on one thread, for matrices of n x n.
std::vector<Step> single_steps(const KernelSteps& s, Index n, std::vector<real>& scratch) {
  const auto step = [n](const char* name, void (*f)(Index, const real*, const real*, real*)) {
    return Step{name, [n, f](const real* a, const real* b, real* c) { f(n, a, b, c); }};
  };
  scratch.resize(usize(n * n));
  return {step("1 naive loops", s.naive),
          step("2 loops in another order", s.row_order),
          step("3 blocks for the cache", s.blocked),
          step("4 vectors", s.vectors),
          step("5 tile in registers", s.tiled),
          {"6 packing",
           [&s, n, &scratch](const real* a, const real* b, real* c) { packed(s, n, a, b, c, scratch.data()); }}};
}

void agree() {
  constexpr Index n = 480;
  Random random(1);
  const Tensor a = random.uniform({n, n}, -1, 1), b = random.uniform({n, n}, -1, 1), expected = matmul(a, b);
  Tensor c({n, n});
  double largest = 0;
  for (const KernelSteps* s : all_steps()) {
    std::vector<real> scratch;
    for (const Step& step : single_steps(*s, n, scratch)) {
      std::fill_n(c.data(), c.size(), real(NAN));
      step.run(a.data(), b.data(), c.data());
      for (Index i = 0; i < c.size(); ++i) {
        const double error = std::abs(static_cast<double>(c.data()[i]) - static_cast<double>(expected.data()[i]));
        if (!(error <= largest)) largest = error;
      }
    }
  }
  std::printf("all steps equal the library's product of %ld x %ld to 1e-4: %s\n", static_cast<long>(n),
              static_cast<long>(n), largest < 1e-4 ? "yes" : "no");
}

/// Seconds of the fastest run. Two threads may share a core by chance; after a pause the system wakes them on different
/// ones.
double fastest(const std::function<void()>& f) {
  double best = 0;
  for (int round = 0; round < 10; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const double seconds = best_seconds(f);
    best = round == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

/// GFLOP/s of multiply-adds in registers, on that many threads: the best of many short runs.
double measured_peak(const KernelSteps& s, int workers) {
  constexpr Index kRounds = 2000000;
  std::vector<real> sink(usize(workers));
  const double seconds =
      fastest([&] { parallel_for(workers, workers, [&](Index i, int) { sink[usize(i)] = s.fma_peak(kRounds); }); });
  return 2e-9 * static_cast<double>(s.chains * s.lanes * kRounds * workers) / seconds;
}

void peak() {
  const KernelSteps& s = best_steps();
  std::printf("%s, %ld numbers in a vector\n", s.name, static_cast<long>(s.lanes));
  std::printf("1 thread:  %4.0f GFLOP/s\n", measured_peak(s, 1));
  std::printf("%d threads: %4.0f GFLOP/s\n", threads(), measured_peak(s, threads()));
}

void steps() {
  const KernelSteps& s = best_steps();
  const Index n = kSide;
  Random random(1);
  const Tensor a = random.uniform({n, n}, -1, 1), b = random.uniform({n, n}, -1, 1);
  Tensor c({n, n});
  const double flop = 2e-9 * static_cast<double>(n * n * n);
  const int all = threads();
  BarGroup shares{"% of the peak of the cores used", {}};
  const auto measure = [&](const std::string& name, double top, const std::function<void()>& f) {
    const double rate = flop / fastest(f);
    std::printf("%-26s %7.1f GFLOP/s  %5.1f %% of the peak\n", name.c_str(), rate, 100 * rate / top);
    shares.bars.push_back({name, 100 * rate / top, 0});
  };
  std::vector<real> scratch;
  double top = 0;
  {
    const Threads one(1);
    top = measured_peak(s, 1);
    for (const Step& step : single_steps(s, n, scratch))
      measure(step.name, top, [&] { step.run(a.data(), b.data(), c.data()); });
    measure("the library, 1 thread", top, [&] { matmul(a, b); });
  }
  top *= all;
  const std::string with = std::to_string(all) + " threads";
  measure("7 " + with, top, [&] { packed(s, n, a.data(), b.data(), c.data(), scratch.data()); });
  measure("the library, " + with, top, [&] { matmul(a, b); });
  write_bar_chart(figure("3-steps.svg"), "A product of two matrices of 960 x 960, step by step", {shares},
                  "Measured on the machine that made this page.");
}

void tiles() {
  const KernelSteps& s = best_steps();
  constexpr Index kDepth = 160, kRepeats = 2000;
  Random random(1);
  const Tensor a = random.uniform({kDepth * 12}, -1, 1), b = random.uniform({kDepth * s.cols}, -1, 1);
  Tensor c = Tensor::zeros({12 * s.cols});
  const double top = measured_peak(s, 1);
  Line line{std::string("rows x 2 vectors, ") + s.name, {}, {}};
  for (const Tile& tile : s.tiles) {
    const double seconds = best_seconds([&] {
      for (Index i = 0; i < kRepeats; ++i) tile.run(kDepth, a.data(), b.data(), c.data(), s.cols);
    });
    const double rate = 2e-9 * static_cast<double>(tile.rows * s.cols * kDepth * kRepeats) / seconds;
    std::printf("%2ld x 2 vectors: %5.1f %% of the peak\n", static_cast<long>(tile.rows), 100 * rate / top);
    line.x.push_back(static_cast<double>(tile.rows)), line.y.push_back(100 * rate / top);
  }
  LineChart chart{"Tiles of different heights, data in the first-level cache",
                  "rows of the tile",
                  "% of the peak",
                  "A tile of r rows has 2 r sums that do not wait for each other.",
                  {line}};
  write_line_chart(figure("3-tiles.svg"), chart);
}

}  // namespace

int main(int argc, char** argv) {
  return run_sections(argc, argv, {{"agree", agree}, {"peak", peak}, {"steps", steps}, {"tiles", tiles}});
}
