#include <cmath>

#include "core/ops/conv.h"
#include "core/ops/resample.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct PatchSize {
  Index h, w, c, kernel, stride, pad, dilation = 1;
  WindowArgs windows() const { return windows_on({2, h, w, c}, kernel, kernel, stride, pad, dilation); }
  Index rows() const { return windows().rows; }
  Index cols() const { return windows().cols; }
  std::string name() const {
    return label(
        {{"h", h}, {"w", w}, {"c", c}, {"kernel", kernel}, {"stride", stride}, {"pad", pad}, {"dilation", dilation}});
  }
};
const PatchSize kPatches[] = {{9, 11, 5, 3, 1, 0},   {9, 11, 5, 3, 2, 2}, {8, 8, 3, 4, 4, 0}, {3, 5, 1, 3, 1, 1},
                              {4, 4, 17, 1, 1, 0},   {5, 7, 8, 2, 3, 1},  {5, 7, 0, 3, 1, 1}, {9, 8, 5, 3, 1, 2, 2},
                              {7, 9, 3, 2, 2, 3, 4}, {5, 6, 17, 1, 2, 0}, {6, 7, 2, 7, 2, 3}};

}  // namespace

void kernel_cases_im2col(KernelCases& cases) {
  for (const PatchSize& s : kPatches)
    for (bool all : {true, false}) {
      const Tensor x = cases.random.normal({2, s.h, s.w, s.c});
      const Index begin = all ? 0 : 1, end = 2 * s.rows() - begin;
      const auto run = [=](const Kernels& k) {
        Tensor patches = outputs((end - begin) * s.cols() * s.kernel * s.kernel * s.c);
        k.im2col(x.data(), s.windows(), begin, end, patches.data());
        return patches;
      };
      cases.add(s.name() + (all ? "" : ", some rows"), run, 0);
    }
}

void kernel_cases_col2im(KernelCases& cases) {
  for (const PatchSize& s : kPatches)
    for (bool all : {true, false}) {
      const Index begin = all ? 0 : 1, end = 2 * s.rows() - begin;
      const Tensor patches = cases.random.normal({(end - begin) * s.cols() * s.kernel * s.kernel * s.c});
      const auto run = [=](const Kernels& k) {
        Tensor dx = outputs_like(Tensor::full({2 * s.h * s.w * s.c}, 1));
        k.col2im(patches.data(), s.windows(), begin, end, dx.data());
        return dx;
      };
      cases.add(s.name() + (all ? "" : ", some rows"), run);
    }
}

namespace {

const PatchSize kPools[] = {{9, 11, 5, 3, 2, 1}, {6, 8, 17, 2, 2, 0}, {5, 5, 16, 3, 1, 1},
                            {4, 3, 1, 1, 1, 0},  {5, 4, 33, 4, 3, 2}, {3, 3, 0, 3, 2, 1}};

/// Small whole numbers, so that elements of a window are often equal.
Tensor with_ties(const PatchSize& s, Random& random) {
  Tensor x = random.uniform({2, s.h, s.w, s.c}, -3, 3);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = std::floor(x.data()[i]);
  return x;
}

}  // namespace

void kernel_cases_max_pool(KernelCases& cases) {
  for (const PatchSize& s : kPools)
    for (bool nan : {false, true}) {
      Tensor x = with_ties(s, cases.random);
      if (nan && x.size() > 0) x.data()[x.size() / 2] = kNan;
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs(2 * s.rows() * s.cols() * s.c);
        k.max_pool(x.data(), y.data(), 2, s.windows());
        return y;
      };
      cases.add(s.name() + (nan ? ", with a NaN" : ""), run, 0);
    }
}

void kernel_cases_max_pool_backward(KernelCases& cases) {
  for (const PatchSize& s : kPools) {
    const Tensor x = with_ties(s, cases.random), y = max_pool2d(x, s.kernel, s.stride, s.pad),
                 dy = cases.random.normal(y.shape());
    const auto run = [=](const Kernels& k) {
      Tensor dx = outputs(x.size());
      k.max_pool_backward(x.data(), y.data(), dy.data(), dx.data(), 2, s.windows());
      return dx;
    };
    cases.add(s.name(), run);
  }
}

void kernel_cases_resample_axis(KernelCases& cases) {
  const std::vector<std::pair<const char*, AxisMap>> maps = {{"bicubic", bicubic_axis(7, 19)},
                                                             {"average", average_axis(9, 4)},
                                                             {"reflect", reflect_axis(5, 3)},
                                                             {"transposed", bicubic_axis(7, 19).transposed()},
                                                             {"crop to nothing", crop_axis(5, 0, 0)}};
  for (const auto& [name, map] : maps)
    for (Index inner : kLengths)
      for (Index outer : {0, 1, 3}) {
        const Tensor x = cases.random.normal({outer, map.n_in(), inner});
        const auto run = [=, map = map](const Kernels& k) {
          Tensor y = outputs(outer * map.n_out() * inner);
          k.resample_axis(x.data(), y.data(), outer, inner, map.rows());
          return y;
        };
        cases.add(name + label({{" outer", outer}, {"inner", inner}}), run);
      }
  const Tensor wide = cases.random.normal({7, 5001});
  const auto run = [=, map = bilinear_axis(7, 12)](const Kernels& k) {
    Tensor y = outputs(12 * 5001);
    k.resample_axis(wide.data(), y.data(), 1, 5001, map.rows());
    return y;
  };
  cases.add("inner beyond one task", run);
}

void kernel_cases_map_rows(KernelCases& cases) {
  const AxisMap blur = gaussian_axis(20, 5, 1);
  for (Index columns : kLengths)
    for (bool transposed : {false, true}) {
      // Rows 6 .. 14 of the map read positions 4 .. 16.
      const Tensor x = cases.random.normal({20, columns + 3});
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs_like(Tensor::full({20 * (columns + 2)}, 1));
        k.map_rows(blur.rows(), 6, 9, 4, x.data(), columns + 3, y.data(), columns + 2, columns, transposed);
        return y;
      };
      cases.add(label({{"columns", columns}, {"transposed", transposed}}), run);
    }
}

}  // namespace fu::test
