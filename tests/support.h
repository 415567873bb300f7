// What tests share.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "core/isa.h"
#include "core/parallel.h"
#include "core/random.h"

namespace fu::test {

/// What a system has beside one program with one thread. A test that needs more says so where it stands:
/// TEST_CASE("..." * doctest::skip(!kHasThreads)). WebAssembly under node has neither,
/// nor what a system has for many programs: links between files, a umask, a limit of descriptors.
#ifdef __EMSCRIPTEN__
inline constexpr bool kHasThreads = false, kHasProcesses = false;
#else
inline constexpr bool kHasThreads = true, kHasProcesses = true;
#endif

/// A folder of its own for the files of a test, removed at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "featup-test-XXXXXX").string();
    path_ = mkdtemp(name.data()) ? name : "";
    REQUIRE(!path_.empty());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs with another table of kernels, or another number of threads, until the end of the scope.
struct WithKernels {
  const Kernels& before = kernels();
  explicit WithKernels(const Kernels& table) { use_kernels(table); }
  ~WithKernels() { use_kernels(before); }
};
struct WithThreads {
  explicit WithThreads(int n) { set_threads(n); }
  ~WithThreads() { set_threads(0); }
};

/// Prints the instruction sets that this build has and this processor has not: a test over all_kernels() left them out.
inline void say_missing_kernels() {
  for (const std::string& isa : missing_kernels()) MESSAGE("not tested, this processor lacks it: " << isa);
}

/// Largest difference, relative to the largest magnitude of b; infinite where one is not a number and the other is.
inline double relative_error(const real* a, const real* b, Index n) {
  double worst = 0, scale = 0;
  for (Index i = 0; i < n; ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x == y) continue;
    const double difference = std::abs(x - y);
    worst = difference <= worst ? worst : std::isnan(difference) ? INFINITY : difference;
    scale = std::max(scale, std::abs(y));
  }
  return scale > 0 ? worst / scale : worst;
}
inline double relative_error(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return relative_error(a.data(), b.data(), a.size());
}
inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(real)) == 0);
}

/// Text of the exception that f throws; empty if it throws none.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The folder of models and photos, or empty: tests that need it say so and pass.
inline std::string shared_folder() {
  const std::string path = FU_SOURCE_DIR "/../shared";
  return std::filesystem::exists(path + "/models") ? path : "";
}
#define FU_NEEDS_SHARED(path)                         \
  const std::string path = fu::test::shared_folder(); \
  if (path.empty()) {                                 \
    MESSAGE("skipped: ../shared is not there");       \
    return;                                           \
  }

constexpr double kTolerance = sizeof(real) == 8 ? 1e-12 : 2e-6;

}  // namespace fu::test
