// Convolution as a matrix product with patches of x: dw = dy^T patches, and dx is the patches of dy w, each added where
// it was read. Patches are kH kW times as large as the image, so they are not saved: the backward pass makes them
// again, some rows at a time.
#include <algorithm>

#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var conv2d(const Var& x, const Var& weight, const Var& bias, Index stride, Index padding, Index dilation) {
  return record(
      "conv2d", {x, weight, bias}, conv2d(x.value, weight.value, bias.value, stride, padding, dilation),
      [x = x.value, w = weight.value, has_bias = bias.size() > 0, stride, padding, dilation](const Gradient& g) {
        const WindowArgs windows = windows_on(x.shape(), w.dim(1), w.dim(2), stride, padding, dilation);
        const Index n = w.dim(0), patch = w.dim(1) * w.dim(2) * w.dim(3);
        const Index rows = g.dy.dim(0) * g.dy.dim(1), wo = g.dy.dim(2);
        Tensor dx = g.wants(0) ? Tensor::zeros(x.shape()) : Tensor(),
               dw = g.wants(1) ? Tensor::zeros(w.shape()) : Tensor();
        const Index band =
            std::clamp<Index>((Index{1} << 20) / std::max<Index>(1, wo * patch), 1, std::max<Index>(1, rows));
        for (Index row = 0; row < rows; row += band) {
          const Index end = std::min(row + band, rows), pixels = (end - row) * wo;
          Tensor patches({pixels, patch});
          const real* dy = g.dy.data() + row * wo * n;
          GemmArgs args;
          if (g.wants(1)) {
            kernels().im2col(x.data(), windows, row, end, patches.data());
            args.m = n, args.k = pixels, args.n = patch;
            args.a = dy, args.a_row = 1, args.a_col = n;
            args.b = patches.data(), args.b_row = patch;
            args.c = dw.data(), args.ldc = patch, args.accumulate = true;
            run_gemm(args);
          }
          if (g.wants(0)) {
            args = GemmArgs();
            args.m = pixels, args.k = n, args.n = patch;
            args.a = dy, args.a_row = n;
            args.b = w.data(), args.b_row = patch;
            args.c = patches.data(), args.ldc = patch;
            run_gemm(args);
            kernels().col2im(patches.data(), windows, row, end, dx.data());
          }
        }
        if (g.wants(0)) g.add(0, std::move(dx));
        if (g.wants(1)) g.add(1, std::move(dw));
        if (has_bias && g.wants(2)) g.add(2, sum_to(g.dy, Shape{n}));
      });
}

void gradient_cases_conv2d(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Shape x, w;
    Index stride, padding, dilation = 1;
  };
  for (const Case& c : {Case{{2, 5, 6, 3}, {4, 3, 3, 3}, 1, 1}, Case{{1, 7, 5, 2}, {3, 3, 3, 2}, 2, 1},
                        Case{{2, 8, 8, 3}, {5, 4, 4, 3}, 4, 0}, Case{{1, 4, 3, 2}, {3, 1, 1, 2}, 1, 0},
                        Case{{1, 6, 7, 1}, {2, 2, 3, 1}, 3, 2}, Case{{0, 4, 4, 2}, {3, 2, 2, 2}, 1, 0},
                        Case{{1, 9, 8, 2}, {3, 3, 3, 2}, 1, 2, 2}, Case{{2, 9, 10, 2}, {3, 3, 2, 2}, 2, 3, 4}})
    cases.add(c.x.str() + c.w.str(), {cases.normal(c.x), cases.normal(c.w), cases.normal({c.w[0]})},
              [c](In x) { return conv2d(x[0], x[1], x[2], c.stride, c.padding, c.dilation); });
  cases.add("no bias", {cases.normal({1, 4, 4, 2}), cases.normal({3, 3, 3, 2})},
            [](In x) { return conv2d(x[0], x[1], Tensor(), 1, 1); });
}

}  // namespace fu
