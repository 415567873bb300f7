// What the benchmark's cases share. A case is one line in the list of its group.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// A case that is ready to run: what is timed, how much work it is, and what must be done before each run untimed.
struct BenchRun {
  std::function<void()> run;
  double gflop = 0;  // multiplications and additions that the method needs, in 1e9
  std::function<void()> before = {};
};

struct BenchCase {
  const char* name;
  std::function<BenchRun()> prepare;
};

// The groups, in the order of the table.
std::vector<BenchCase> bench_products();   // matrix products
std::vector<BenchCase> bench_stack();      // the JBU stack, its token filter and its smoothing
std::vector<BenchCase> bench_attention();  // attention upsamplers
std::vector<BenchCase> bench_models();     // backbones, and steps of trainings
std::vector<BenchCase> bench_gradients();  // backward passes, and adaptive convolution

/// Random weights in a file, as a checkpoint would bring them. The file is removed at the end.
class TemporaryWeights {
 public:
  explicit TemporaryWeights(const std::map<std::string, Shape>& shapes);
  ~TemporaryWeights();
  TemporaryWeights(const TemporaryWeights&) = delete;
  TemporaryWeights& operator=(const TemporaryWeights&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fu
