#include "featup/attention/basis.h"

#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

namespace {

/// Taps of a filter of k around position i that lie on an axis of n.
Index taps_inside(Index i, Index n, Index k) { return std::min(n, i + k / 2 + 1) - std::max<Index>(0, i - k / 2); }

}  // namespace

Tensor inverse_taps(Index h, Index w, Index k) {
  Tensor y({1, h, w, 1});
  for (Index p = 0; p < h * w; ++p)
    y.data()[p] = 1 / static_cast<real>(taps_inside(p / w, h, k) * taps_inside(p % w, w, k));
  return y;
}

Tensor basis_profile(const Tensor& x, const Tensor& basis) {
  const Index h = x.dim(1), w = x.dim(2), c = x.dim(3), n = basis.dim(0), k = basis.dim(1), taps = k * k;
  const Tensor scales = inverse_taps(h, w, k);
  Tensor y({1, h, w, n}), packed({kernels().gemm_packed_size(taps, n)});
  kernels().gemm_pack(basis.data(), 1, taps, taps, n, packed.data());
  GemmArgs product;  // channels (C,taps) times filters (taps,n); the patch is stored tap by tap
  product.m = c, product.n = n, product.k = taps;
  product.a_row = 1, product.a_col = c;
  product.packed_b = packed.data(), product.ldc = n;
  product.workers = 1;
  const int workers = threads();
  const Index scratch = kernels().gemm_scratch(product), memory = (taps * c + c * n + scratch + 31) / 16 * 16;
  Tensor own({workers, memory});
  parallel_for(h * w, workers, [&](Index p, int worker) {
    real *patch = own.data() + worker * memory, *list = patch + taps * c;
    for (Index t = 0; t < taps; ++t) {
      const Index i = p / w + t / k - k / 2, j = p % w + t % k - k / 2;
      if (i >= 0 && i < h && j >= 0 && j < w)
        std::copy_n(x.data() + (i * w + j) * c, c, patch + t * c);
      else
        std::fill_n(patch + t * c, c, real(0));
    }
    GemmArgs args = product;
    args.a = patch, args.c = list, args.scratch = list + c * n;
    kernels().gemm(args);
    kernels().softmax(list, list, 1, n, c, scales.data()[p]);
    real* out = y.data() + p * n;
    kernels().sum_axis(list, out, n, c, 1);
    for (Index i = 0; i < n; ++i) out[i] /= static_cast<real>(c);
  });
  return y;
}

}  // namespace fu
