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

/// act(x w^T + bias) of a layer for inference, its weights kept in a type: x (m,k), w (n,k).
BenchRun layer(NarrowType type, Index m, Index k, Index n) {
  Random random(2);
  const Tensor x = random.uniform({m, k}, -1, 1), w = random.uniform({n, k}, -1, 1), bias = random.uniform({n}, -1, 1);
  const PackedLinear packed =
      type == NarrowType::none ? PackedLinear(w, bias) : PackedLinear(pack_narrow(w, type), Tensor(), bias);
  return {[=] { packed(x); }, 2e-9 * static_cast<double>(m * n) * static_cast<double>(k)};
}

}  // namespace

std::vector<BenchCase> bench_products() {
  return {
      {"gemm_1024", [] { return gemm(1024, 1024, 1024); }},
      {"gemm_50176x303x128", [] { return gemm(50176, 303, 128); }},
      {"gemm_50176x128x128", [] { return gemm(50176, 128, 128); }},
      {"linear_f32_197x384x1536", [] { return layer(NarrowType::none, 197, 384, 1536); }},
      {"linear_f16_197x384x1536", [] { return layer(NarrowType::f16, 197, 384, 1536); }},
      {"linear_bf16_197x384x1536", [] { return layer(NarrowType::bf16, 197, 384, 1536); }},
      {"linear_int8_197x384x1536", [] { return layer(NarrowType::int8, 197, 384, 1536); }},
      {"linear_f32_197x1536x384", [] { return layer(NarrowType::none, 197, 1536, 384); }},
      {"linear_int8_197x1536x384", [] { return layer(NarrowType::int8, 197, 1536, 384); }},
  };
}

}  // namespace fu
