// The table of one target's kernels, and the benchmark's measure of peak speed.
#include "core/kernels/declare.h"
#include "core/kernels/kernel_table.h"
#include "core/kernels/narrow.h"

#define FU_STRING2(x) #x
#define FU_STRING(x) FU_STRING2(x)

namespace fu::FU_ISA {

real fma_peak(Index rounds) {
  // Two units with a latency of 4 or 5 cycles need 8 to 10 independent chains. With 10 there are registers left for the
  // factors, also where there are only 16.
  Vec acc[10];
  for (int i = 0; i < 10; ++i) acc[i] = splat(static_cast<real>(i));
  const volatile real f = static_cast<real>(0.9999), t = static_cast<real>(1e-4);  // unknown to the compiler
  const Vec factor = splat(f), term = splat(t);
  for (Index r = 0; r < rounds; ++r) {
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) acc[i] = acc[i] * factor + term;
  }
  Vec total{};
  for (int i = 0; i < 10; ++i) total += acc[i];
  return hsum(total);
}

const Kernels& table() {
  static const Kernels kernels = {
      FU_STRING(FU_ISA),
      kLanes,
      multiplies_bf16(NarrowType::bf16),
#define FU_KERNEL(result, name, arguments) name,
#include "core/kernels/kernels.def"
  };
  return kernels;
}

}  // namespace fu::FU_ISA
