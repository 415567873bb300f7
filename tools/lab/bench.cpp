// bench [--json] [NAME...]: how fast the heavy parts run, as time and as a share of the processor's peak.
//
// The peak is measured first: fused multiply-adds on registers alone, on all threads. Each case then runs until a
// second has passed; the median of its times counts. Work is counted as the multiplications and additions that the
// method needs, in GFLOP.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/files/weights.h"
#include "core/isa.h"
#include "core/parallel.h"
#include "core/pool.h"
#include "core/random.h"
#include "core/system.h"
#include "tools/cli/progress.h"
#include "tools/lab/bench_case.h"

namespace fu {

TemporaryWeights::TemporaryWeights(const std::map<std::string, Shape>& shapes) {
  path_ = os::create_temporary_file();
  require<FileError>(!path_.empty(), "no temporary file can be made: ", std::strerror(errno),
                     ". TMPDIR names the folder for it.");
  Random random(1);
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, shape] : shapes) tensors[name] = random.uniform(shape, real(-0.05), real(0.05));
  write_safetensors(path_, tensors);
}

TemporaryWeights::~TemporaryWeights() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace fu

using namespace fu;

namespace {

std::vector<BenchCase> all_cases() {
  std::vector<BenchCase> all;
  for (const auto& group : {bench_products, bench_stack, bench_attention, bench_models, bench_gradients})
    for (BenchCase& c : group()) all.push_back(std::move(c));
  return all;
}

/// GFLOP/s of multiply-adds on registers alone, on all threads: the best of many short runs. Two threads may share a
/// core by chance; after a pause the system wakes them on different ones.
double fma_peak() {
  double best = 0;
  for (int round = 0; round < 40; ++round) {
    constexpr Index kRounds = 4000000;
    std::vector<real> sink(usize(threads()));
    if (round % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const double start = now_seconds();
    parallel_for(threads(), [&](Index i) { sink[usize(i)] = kernels().fma_peak(kRounds); });
    const double flop = 2.0 * 10 * static_cast<double>(kRounds) * static_cast<double>(kernels().lanes) * threads();
    best = std::max(best, flop / (now_seconds() - start) * 1e-9);
  }
  return best;
}

/// Peak resident memory since reset_peak_memory(), MB.
double peak_memory() {
  double mb = 0;
  if (std::FILE* f = std::fopen("/proc/self/status", "r")) {
    char line[256];
    long kb = 0;
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "VmHWM: %ld kB", &kb) == 1) mb = static_cast<double>(kb) / 1024;
    std::fclose(f);
  }
  return mb;
}

void reset_peak_memory() {
  trim_pool();
  if (std::FILE* f = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", f);
    std::fclose(f);
  }
}

/// Seconds of single runs, sorted.
std::vector<double> time_runs(const BenchRun& bench) {
  const auto prepare = [&] {
    if (bench.before) bench.before();
  };
  prepare();
  bench.run();  // not timed: memory is touched for the first time, weights are packed
  std::vector<double> seconds;
  for (double total = 0; total < 1 || seconds.size() < 5; total += seconds.back()) {
    prepare();
    const double start = now_seconds();
    bench.run();
    seconds.push_back(now_seconds() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

int run(const std::vector<BenchCase>& cases, const std::vector<std::string>& names, bool json) {
  for (const std::string& name : names)
    require<UsageError>(std::any_of(cases.begin(), cases.end(), [&](const BenchCase& c) { return name == c.name; }),
                        "no case '", name, "'. Without names, all run.");
  const double peak = fma_peak();
  if (!json) {
    std::printf("%s, %d threads, FMA peak %.0f GFLOP/s\n", kernels().isa, threads(), peak);
    std::printf("%-30s %12s %12s %10s %10s %12s\n", "case", "median", "best", "GFLOP/s", "of peak", "peak memory");
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const BenchCase& c : cases) {
    if (!names.empty() && std::find(names.begin(), names.end(), c.name) == names.end()) continue;
    reset_peak_memory();
    const BenchRun bench = c.prepare();
    const std::vector<double> seconds = time_runs(bench);
    const double median = seconds[seconds.size() / 2], rate = bench.gflop / median, memory = peak_memory();
    list.push_back({{"name", c.name},
                    {"seconds", median},
                    {"gflops", rate},
                    {"fraction_of_peak", rate / peak},
                    {"peak_rss_mb", memory}});
    if (!json)
      std::printf("%-30s %9.2f ms %9.2f ms %10.1f %9.0f%% %9.0f MB\n", c.name, median * 1e3, seconds[0] * 1e3, rate,
                  100 * rate / peak, memory);
    std::fflush(stdout);
  }
  if (json) std::printf("%s\n", list.dump(1).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<BenchCase> cases = all_cases();
  bool json = false;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--help") == 0 || argv[i][0] == '-') {
      std::printf("usage: bench [--json] [NAME...]\ncases:");
      for (const BenchCase& c : cases) std::printf(" %s", c.name);
      std::printf("\n");
      return std::strcmp(argv[i], "--help") == 0 ? 0 : 2;
    } else {
      names.emplace_back(argv[i]);
    }
  }
  try {
    return run(cases, names, json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: error: %s\n", error.what());
    return 1;
  }
}
