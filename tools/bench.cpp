#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>
#include "core/isa.h"
#include "core/parallel.h"
#include "core/tensor.h"
using namespace fu;
static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
int main() {
  for (auto* k : all_kernels()) printf("%s ", k->isa);
  printf("\n");
  const Kernels& K = kernels();
  printf("using %s\n", K.isa);
  for (int th : {1, 2, 1, 2}) {
    volatile real sink = 0;
    double t = now();
    parallel_for(th, [&](Index, int) { sink = K.fma_peak(20000000); });
    t = now() - t;
    printf("peak %d threads %.1f GF\n", th, 20e6 * 10 * 2 * double(K.lanes) * th / t / 1e9);
  }
  auto g = [&](Index m, Index k, Index n, bool packed) {
    Tensor a = Tensor::full({m, k}, 0.5f), b = Tensor::full({n, k}, .25f), c({m, n});
    Tensor pk({K.gemm_packed_size(k, n)});
    GemmArgs x;
    x.m = m;
    x.n = n;
    x.k = k;
    x.a = a.data();
    x.a_row = k;
    x.b = b.data();
    x.b_row = 1;
    x.b_col = k;
    x.c = c.data();
    x.ldc = n;
    if (packed) {
      K.gemm_pack(b.data(), 1, k, k, n, pk.data());
      x.packed_b = pk.data();
    }
    Tensor s({K.gemm_scratch(x) + 1});
    x.scratch = s.data();
    double best = 1e9;
    for (int i = 0; i < 20; i++) {
      double t = now();
      K.gemm(x);
      best = std::min(best, now() - t);
    }
    printf("gemm %ld %ld %ld packed=%d: %.2f ms %.1f GF  (c0=%g want %g)\n", m, k, n, packed, best * 1e3, 2.0 * m * n * k / best / 1e9,
           c.data()[m * n - 1], k * .125);
  };
  for (int p = 0; p < 2; p++) {
    g(1024, 1024, 1024, p);
    g(50176, 303, 128, p);
    g(50176, 128, 128, p);
    g(197, 384, 1536, p);
    g(197, 1536, 384, p);
    g(197, 192, 768, p);
  }
}
