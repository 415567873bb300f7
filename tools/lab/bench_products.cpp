// Matrix products of the sizes that layers use.
#include "core/ops/linear.h"
#include "core/random.h"
#include "tools/lab/bench_case.h"

namespace fu {

namespace {

/// act(x w^T + bias): x (m,k), w (n,k).
BenchRun gemm(Index m, Index k, Index n) {
  Random random(2);
  const Tensor x = random.uniform({m, k}, -1, 1), w = random.uniform({n, k}, -1, 1), bias = random.uniform({n}, -1, 1);
  return {[=] { linear(x, w, bias); }, 2e-9 * static_cast<double>(m * n) * static_cast<double>(k)};
}

}  // namespace

std::vector<BenchCase> bench_products() {
  return {
      {"gemm_1024", [] { return gemm(1024, 1024, 1024); }},
      {"gemm_50176x303x128", [] { return gemm(50176, 303, 128); }},
      {"gemm_50176x128x128", [] { return gemm(50176, 128, 128); }},
  };
}

}  // namespace fu
