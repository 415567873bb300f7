// Chapter 8: why it is fast. Each identity is checked on numbers.
#include "tools/book/8_identities.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "featup/builtin/builtin.h"
#include "featup/fit/feature_grid.h"
#include "featup/jbu/jbu.h"
#include "featup/measure/views.h"
#include "featup/training/downsample.h"
#include "tools/book/7_definitions.h"
#include "tools/book/book.h"
#include "tools/book/subject.h"

namespace fu::book {

namespace {

//! [fold]
/// The weights of fine pixel (y,x) on the coarse map (h,w): its kernel k (d,d) stands on fine pixels, and each of these
/// is a weighted sum of coarse ones. rows and cols: those weights, for the fine axes with their mirrored borders.
Tensor folded(const Tensor& k, const AxisRows& rows, const AxisRows& cols, Index y, Index x, Index h, Index w) {
  Tensor coarse = Tensor::zeros({h, w});
  for (Index u = 0; u < k.dim(0); ++u)
    for (Index v = 0; v < k.dim(1); ++v)
      for (Index e = rows.offset[y + u]; e < rows.offset[y + u + 1]; ++e)
        for (Index g = cols.offset[x + v]; g < cols.offset[x + v + 1]; ++g)
          coarse.data()[rows.index[e] * w + cols.index[g]] +=
              k.data()[u * k.dim(1) + v] * rows.weight[e] * cols.weight[g];
  return coarse;
}
//! [fold]

}  // namespace

void check_channels() {
  const Subject subject;
  const JbuStack stack(builtin_stack());
  const Index c = subject.low.dim(3);
  Random random(1);
  const Tensor a = random.normal({3, c});
  const auto up = [&](const Tensor& x) { return JbuRun(stack, x, subject.image, 4).all(); };
  const auto project = [&](const Tensor& x) { return linear(x, a, Tensor()); };
  say_equal("the stack, 192 channels to 3: before and after", up(project(subject.low)), project(up(subject.low)), 2e-4);
}

void check_fold() {
  constexpr Index kSide = 12, kRadius = 3, kDiameter = 2 * kRadius + 1;
  Random random(2);
  const Tensor x = random.normal({1, kSide, kSide, 5}), k = random.normal({1, 2 * kSide, 2 * kSide, 49});
  const Tensor before = adaptive_conv(resize_bicubic(x, 2 * kSide, 2 * kSide), k);
  const AxisMap axis = reflect_axis(2 * kSide, kRadius).after(bicubic_axis(kSide, 2 * kSide));
  Tensor after({1, 2 * kSide, 2 * kSide, 5});
  Index widest = 0;
  for (Index y = 0; y < 2 * kSide; ++y)
    for (Index p = 0; p < 2 * kSide; ++p) {
      const Index at = y * 2 * kSide + p;
      const Tensor own = k.reshape({4 * kSide * kSide, 49}).slice(at, at + 1).reshape({kDiameter, kDiameter});
      const Tensor w = folded(own, axis.rows(), axis.rows(), y, p, kSide, kSide);
      const Tensor sum = matmul(w.reshape({1, kSide * kSide}), x.reshape({kSide * kSide, 5}));
      std::copy(sum.data(), sum.data() + 5, after.data() + at * 5);
      const Index used = std::count_if(w.data(), w.data() + w.size(), [](real v) { return v != 0; });
      widest = std::max(widest, used);
    }
  say_equal("enlarged, then weighted; weighted on the coarse map", after, before);
  std::printf("coarse pixels with a weight: at most %ld\n", static_cast<long>(widest));
}

namespace {

//! [softmax]
/// Softmax of the products of one key with n others, (u + b) . (v + b), or without the second b. R: float or double.
template <class R>
std::vector<double> weights_of(const Tensor& u, const Tensor& v, const Tensor& b, bool both) {
  std::vector<R> weight;
  for (Index q = 0; q < v.dim(0); ++q) {
    R product = 0;
    for (Index k = 0; k < u.size(); ++k)
      product += (R(u.data()[k]) + R(b.data()[k])) * (R(v.data()[q * u.size() + k]) + (both ? R(b.data()[k]) : R(0)));
    weight.push_back(product);
  }
  const R top = *std::max_element(weight.begin(), weight.end());
  double total = 0;
  for (R& w : weight) total += double(w = std::exp(w - top));
  std::vector<double> result;
  for (const R w : weight) result.push_back(double(w) / total);
  return result;
}
//! [softmax]

double worst_ratio(const std::vector<double>& a, const std::vector<double>& exact) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] / exact[i] - 1));
  return worst;
}

}  // namespace

void check_softmax() {
  Random random(3);
  double with = 0, without = 0, same = 0;
  for (int draw = 0; draw < 20; ++draw) {
    const Tensor u = random.normal({32}), v = unary(Unary::affine, random.normal({49, 32}), real(0.2));
    Tensor b = unary(Unary::affine, random.normal({32}), real(0.1));
    b.data()[3] = 60;
    const std::vector<double> exact = weights_of<double>(u, v, b, true);
    same = std::max(same, worst_ratio(weights_of<double>(u, v, b, false), exact));
    with = std::max(with, worst_ratio(weights_of<float>(u, v, b, true), exact));
    without = std::max(without, worst_ratio(weights_of<float>(u, v, b, false), exact));
  }
  require<UsageError>(same < 1e-9 && with > 10 * without, "softmax: ", same, ", ", with, ", ", without);
  std::printf(
      "in double: weights with and without the second bias differ by less than 1e-9\n"
      "in float:  without it, the largest error is more than 10 times smaller\n");
}

void check_maps() {
  Random random(4);
  const Tensor map = random.normal({1, 224, 224, 6});
  const Jitter j{30, 1.37, 40, 75, true};
  const Tensor steps = adaptive_avg_pool(plain::view_of(map, j).value, 14, 14);
  say_equal("pad, zoom, cut, mirror, average: five maps and one", predict_view(map, j, 224, 224, 14, 14), steps);
}

void check_windows() {
  Random random(5);
  const Tensor map = random.normal({1, 112, 112, 6}), kernel = random.normal({16, 16});
  const Jitter j{20, 1.37, 40, 31, true};
  const Tensor on_view = plain::simple_downsample(gaussian_blur(plain::view_of(map, j), 5, 1), kernel, 7, 7).value;
  const ViewWindows windows({j}, 112, 112, 7, 7, 16, false, true);
  SimpleDownsampler simple(16);
  simple.kernel_params.set(kernel);
  Var length;
  const Var weights = windows.onto_map(simple.view_weights(windows, map, length));
  const Var on_map = rectangle_sums(map, reshape(weights, {windows.rectangles()->weights()}), windows.rectangles());
  say_equal("windows on the blurred view; carried onto the map", on_map.value, on_view);
}

void check_sums() {
  const Subject subject(112);
  const Pca pca = fit_pca(subject.low, 6);
  Tensor colors = denormalize(subject.image);
  GridSystem system(colors, 6);
  std::vector<JitteredView> views = subject.views(5, 6);
  for (JitteredView& view : views) {
    view.features = pca.project(view.features);
    system.add(view.jitter, view.features);
  }
  Random random(6);
  const Tensor grid = random.normal({1, system.cells().dim(1), system.cells().dim(2), 6});
  const Tensor map = system.map(grid);
  double total = 0;
  for (const JitteredView& view : views) {
    const Tensor wrong = predict_view(map, view.jitter, 112, 112, 7, 7) - view.features;
    total += static_cast<double>(mean(unary(Unary::square, wrong)).item()) / 5;
  }
  say_equal("error of a grid: from the views, and from the sums",
            Tensor::full({1}, static_cast<real>(system.error(grid))), Tensor::full({1}, static_cast<real>(total)),
            1e-4);
}

}  // namespace fu::book

int main(int argc, char** argv) {
  using namespace fu::book;
  return run_sections(argc, argv,
                      {{"channels", check_channels},
                       {"fold", check_fold},
                       {"softmax", check_softmax},
                       {"maps", check_maps},
                       {"windows", check_windows},
                       {"sums", check_sums},
                       {"time_channels", time_channels},
                       {"time_fold", time_fold},
                       {"time_maps", time_maps},
                       {"time_windows", time_windows},
                       {"time_sums", time_sums},
                       {"time_stack", time_stack}});
}
