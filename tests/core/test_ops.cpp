// Functions from tensors to tensors with every instruction set: against the naive definitions, with one thread and with
// three, which must agree to the bit; and their error messages. tests/core/kernels tests the kernels one by one.
#include <algorithm>

#include "core/ops.h"
#include "core/ops/rectangles.h"
#include "core/ops/resample.h"
#include "core/ops/smooth.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Runs f with every table, and compares with the reference's result; then with one and three threads, which must agree
/// to the bit.
template <class F>
void compare(const F& f, double tolerance = kTolerance) {
  const auto tables = all_kernels();
  Tensor expected;
  {
    const WithKernels use(*tables.front());
    expected = f();
  }
  for (const Kernels* table : tables) {
    CAPTURE(std::string(table->isa));
    const WithKernels use(*table);
    Tensor one, three;
    {
      const WithThreads n(1);
      one = f();
    }
    {
      const WithThreads n(3);
      three = f();
    }
    CHECK(relative_error(one, expected) <= tolerance);
    CHECK(same_bits(one, three));
  }
}

const std::vector<Index> kSizes = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33};

}  // namespace

TEST_CASE("ops: elementwise") {
  Random random(1);
  for (Index n : kSizes) {
    CAPTURE(n);
    const Tensor x = random.uniform({n}, real(0.1), 3), z = random.uniform({n}, -3, 3);
    for (Unary op : {Unary::exp, Unary::log, Unary::sqrt, Unary::square, Unary::reciprocal})
      compare([&] { return unary(op, x); });
    for (Unary op : {Unary::sin, Unary::cos, Unary::relu, Unary::quick_gelu, Unary::sigmoid, Unary::tanh, Unary::erf})
      compare([&] { return unary(op, z); });
    compare([&] { return unary(Unary::gelu, z); }, 2e-5);  // accurate in ULP of x, which exceeds the result where x < 0
    compare([&] { return unary(Unary::clamp_min, z, real(0.25)); });
    compare([&] { return unary(Unary::affine, z, real(1.5), real(-0.5)); });
  }
  const Tensor large = random.uniform({100003}, -3, 3);
  compare([&] { return unary(Unary::gelu, large); });
}

TEST_CASE("ops: broadcast arithmetic") {
  Random random(2);
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{}, {}},         {{5}, {}},     {{3, 1, 5}, {6, 1}},    {{2, 3, 17}, {17}},           {{2, 3, 17}, {2, 1, 1}},
      {{1, 7}, {9, 1}}, {{0, 4}, {4}}, {{4, 1, 3}, {1, 5, 3}}, {{2, 2, 2, 2}, {2, 1, 2, 1}}, {{40000}, {1}}};
  for (const auto& pair : shapes) {
    const Shape &a_shape = pair.first, &b_shape = pair.second;
    CAPTURE(a_shape.str());
    const Tensor a = random.uniform(a_shape, 1, 2), b = random.uniform(b_shape, 1, 2);
    for (Binary op : {Binary::add, Binary::sub, Binary::mul, Binary::div}) compare([&] { return binary(op, a, b); });
  }
  CHECK(contains(message_of([] { Tensor::zeros({2, 3}) + Tensor::zeros({2, 4}); }), "[binary] a (2,3) and b (2,4)"));
}

TEST_CASE("ops: sums, softmax, layer norm") {
  Random random(3);
  for (Index n : kSizes)
    for (Index inner : {Index{1}, Index{5}, Index{33}}) {
      CAPTURE(n);
      const Tensor x = random.normal({3, n, inner});
      compare([&] { return sum(x, 1); });
      compare([&] { return mean(x, 1); });
      compare([&] { return softmax(x, 1, real(0.3)); });
    }
  const Tensor x = random.normal({70001});
  compare([&] { return sum(x); });
  compare([&] { return mean(x); });
  CHECK(mean(Tensor::zeros({0})).item() == 0);
  for (Index c : {Index{1}, Index{7}, Index{64}, Index{193}}) {
    const Tensor y = random.normal({11, c}), weight = random.normal({c}), bias = random.normal({c});
    compare([&] { return layer_norm(y, weight, bias, real(1e-5)); }, 1e-5);
  }
  CHECK(contains(message_of([&] { softmax(x, 0, 0); }), "temperature 0 must be positive"));
  CHECK(contains(message_of([&] { layer_norm(x, x, Tensor::zeros({3}), 0); }), "[layer_norm]"));
}

TEST_CASE("ops: matrix products") {
  Random random(4);
  struct Size {
    Index m, k, n;
  };
  for (const Size s : {Size{1, 1, 1},
                       {5, 3, 2},
                       {6, 16, 16},
                       {7, 17, 33},
                       {13, 9, 31},
                       {97, 303, 65},
                       {3, 0, 4},
                       {0, 3, 4},
                       {25, 800, 40},
                       {200, 64, 1}}) {
    CAPTURE(s.m);
    CAPTURE(s.k);
    const Tensor a = random.normal({s.m, s.k}), b = random.normal({s.k, s.n}), w = random.normal({s.n, s.k}),
                 bias = random.normal({s.n}), start = random.normal({s.m, s.n});
    compare([&] { return matmul(a, b); });
    for (Activation act : {Activation::none, Activation::relu, Activation::gelu, Activation::quick_gelu,
                           Activation::tanh_gelu, Activation::silu})
      compare([&] { return linear(a, w, bias, act); }, 4e-6);
    compare([&] { return PackedLinear(w, bias)(a, Activation::gelu); }, 4e-6);
    compare([&] {
      Tensor y = start.clone();
      PackedLinear(w, bias).add_to(y, a);
      return y;
    });
    // A given by columns: a transposed view.
    compare([&] {
      Tensor c({s.m, s.n});
      const Tensor t = a.permute({1, 0});
      GemmArgs g;
      g.m = s.m, g.k = s.k, g.n = s.n, g.a = t.data(), g.a_row = 1, g.a_col = s.m, g.b = b.data(), g.b_row = s.n,
      g.c = c.data(), g.ldc = s.n;
      Tensor scratch({kernels().gemm_scratch(g) + 1});
      g.scratch = scratch.data();
      kernels().gemm(g);
      return c;
    });
  }
  const Tensor batch_a = random.normal({3, 5, 4}), batch_b = random.normal({3, 4, 6});
  compare([&] { return matmul(batch_a, batch_b); });
  CHECK(contains(message_of([&] { matmul(batch_a, batch_a); }), "[matmul] a (3,5,4) times b (3,5,4)"));
  CHECK(contains(message_of([&] { linear(batch_a, Tensor::zeros({2, 3}), Tensor()); }), "[linear]"));
}

TEST_CASE("ops: a convolution has the bits of the product with its patches") {
  Random random(6);
  struct Case {
    Shape x;
    Index out, kernel, stride, padding, dilation;
  };
  for (const Case& c : {Case{{2, 9, 11, 50}, 40, 3, 1, 1, 1},
                        {{1, 14, 13, 3}, 64, 7, 2, 3, 1},
                        {{1, 8, 8, 70}, 9, 1, 2, 0, 1},
                        {{1, 8, 8, 70}, 9, 1, 1, 0, 1},
                        {{1, 9, 10, 20}, 33, 3, 2, 4, 3}}) {
    const Tensor x = random.normal(c.x), w = random.normal({c.out, c.kernel * c.kernel * c.x[3]}),
                 bias = random.normal({c.out});
    const WindowArgs g = windows_on(c.x, c.kernel, c.kernel, c.stride, c.padding, c.dilation);
    for (const Kernels* table : all_kernels()) {
      CAPTURE(std::string(table->isa));
      const WithKernels use(*table);
      Tensor patches({c.x[0], g.rows, g.cols, w.dim(1)});
      kernels().im2col(x.data(), g, 0, c.x[0] * g.rows, patches.data());
      const PackedLinear layer(w, bias);
      for (Activation act : {Activation::none, Activation::relu, Activation::gelu})
        CHECK(
            same_bits(conv2d(x, layer, c.kernel, c.kernel, c.stride, c.padding, c.dilation, act), layer(patches, act)));
    }
  }
}

TEST_CASE("ops: convolution, attention, adaptive convolution") {
  Random random(5);
  for (Index stride : {Index{1}, Index{2}})
    for (Index padding : {Index{0}, Index{2}}) {
      const Tensor x = random.normal({2, 9, 11, 5}), w = random.normal({7, 3, 3, 5}), bias = random.normal({7});
      compare([&] { return conv2d(x, w, bias, stride, padding); });
    }
  {
    const Tensor x = random.normal({2, 9, 11, 5}), w = random.normal({7, 3, 3, 5}), none;
    compare([&] { return conv2d(x, w, none, 1, 2, 2); });
    compare([&] { return conv2d(x, random.normal({0, 1, 1, 5}), none, 2, 0); });
    compare([&] { return depthwise_conv2d(x, Tensor::full({3, 3, 5}, 1), none, 1); });
    compare([&] { return max_pool2d(x, 3, 2, 1); });
    CHECK(contains(message_of([&] {
                     depthwise_conv2d(x, Tensor::zeros({3, 3, 4}), none, 1);
                   }),
                   "[depthwise_conv2d] x"));
    CHECK(contains(message_of([&] { max_pool2d(x, 3, 2, 2); }), "[max_pool2d] x (2,9,11,5), kernel 3"));
    CHECK(contains(message_of([&] { conv2d(x, w, none, 1, 0, 5); }), "dilation 5"));
  }
  CHECK(contains(message_of([] {
                   conv2d(Tensor::zeros({1, 2, 2, 3}), Tensor::zeros({4, 3, 3, 3}), Tensor(), 1, 0);
                 }),
                 "[conv2d] x (1,2,2,3)"));
  for (Index tokens : {Index{1}, Index{7}, Index{50}, Index{421}}) {
    CAPTURE(tokens);
    const Tensor qkv = random.normal({2, tokens, 3 * 3 * 20});
    compare([&] { return attention(qkv, 3); });
  }
  for (Index c : {Index{1}, Index{5}, Index{8}, Index{49}, Index{100}})
    for (Index radius : {Index{1}, Index{3}}) {
      const Tensor x = random.normal({2, 6, 9, c}), k = random.normal({2, 6, 9, (2 * radius + 1) * (2 * radius + 1)});
      compare([&] { return adaptive_conv(x, k); });
    }
  CHECK(contains(message_of([] {
                   adaptive_conv(Tensor::zeros({1, 3, 9, 2}), Tensor::zeros({1, 3, 9, 49}));
                 }),
                 "must exceed the radius"));
  for (const Shape& shape : {Shape{1, 9, 30, 5}, Shape{1, 70, 3, 130}, Shape{1, 1, 1, 1}, Shape{1, 1200, 2, 33},
                             Shape{1, 5, 1100, 70}, Shape{1, 600, 2, 133}, Shape{1, 3, 4, 0}}) {
    CAPTURE(shape.str());
    const Tensor x = random.normal(shape), across = random.uniform({shape[1], shape[2]}, 0, 1),
                 down = random.uniform({shape[1], shape[2]}, 0, 1);
    compare([&] {
      Tensor y = x.clone();
      LinkSmoother(across, down, 50).apply(y);
      return y;
    });
  }
}

TEST_CASE("ops: a rectangle must lie inside its image") {
  CHECK(contains(message_of([] { Rectangles(1, 4, 4).add(0, 2, 0, 3, 1); }), "[rectangles] 3x1 at (2,0)"));
}

TEST_CASE("ops: attention pooling with equal weights does not depend on the bias") {
  constexpr Index kRows = 70;
  Random random(9);
  for (Index n : {Index{1}, Index{7}, Index{25}, Index{841}}) {
    CAPTURE(n);
    const Tensor saliency = random.normal({kRows, n}), b = random.normal({n}), dy = random.normal({kRows, n});
    // The true gradient of the bias is 0; the kernels may leave rounding errors only.
    const Tensor equal = Tensor::full({n}, 1);
    PoolingAttentionArgs g;
    g.rows = kRows, g.n = n, g.saliency = saliency.data(), g.w = equal.data(), g.b = b.data();
    for (const Kernels* table : all_kernels()) {
      CAPTURE(std::string(table->isa));
      Tensor y({kRows, n}), shifted = unary(Unary::affine, dy, 1, 50), ds(y.shape()), dw({n}), db({n}), dbias({1});
      Tensor scratch({table->pooling_attention_scratch(g) + 1});
      table->pooling_attention(g, y.data());
      table->pooling_attention_backward(g, y.data(), shifted.data(), ds.data(), nullptr, dw.data(), db.data(),
                                        dbias.data(), scratch.data());
      CHECK(std::abs(dbias.item()) <= 2e-6);
    }
  }
}

TEST_CASE("ops: resampling, all maps, borders, transposes") {
  Random random(6);
  for (Index c : {Index{1}, Index{3}, Index{17}}) {
    const Tensor x = random.normal({2, 7, 10, c});
    compare([&] { return resize_bicubic(x, 14, 5); });
    compare([&] { return resize_bilinear(x, 3, 23); });
    compare([&] { return resize_nearest(x, 3, 23); });
    compare([&] { return resize_triangle(x, 3, 4); });
    compare([&] { return adaptive_avg_pool(x, 5, 4); });
    compare([&] { return zoom_bilinear(x, 1.37); });
    compare([&] { return reflect_pad(x, 4); });
    compare([&] { return gaussian_blur(x, 5, 1); });
  }
  // Every map keeps a constant; a transposed map is the adjoint: <A x, y> = <x, A^T y>.
  for (const AxisMap& map :
       {bicubic_axis(7, 19), bilinear_axis(7, 3), nearest_axis(5, 12), triangle_axis(20, 6), average_axis(9, 4),
        reflect_axis(5, 9), gaussian_axis(6, 5, 1), crop_axis(9, 2, 5), flip_axis(4), zoom_axis(7, 1.7),
        crop_axis(14, 3, 8).after(bicubic_axis(7, 14)), reflect_axis(1, 3)}) {
    const auto apply = [](const AxisMap& m, const Tensor& x) {
      Tensor y({m.n_out()});
      kernels().resample_axis(x.data(), y.data(), 1, 1, m.rows());
      return y;
    };
    const Tensor ones = apply(map, Tensor::full({map.n_in()}, 1));
    for (Index i = 0; i < ones.size(); ++i) CHECK(ones.data()[i] == doctest::Approx(1).epsilon(1e-5));
    const Tensor x = random.normal({map.n_in()}), y = random.normal({map.n_out()});
    const Tensor left = sum(apply(map, x) * y), right = sum(x * apply(map.transposed(), y));
    CHECK(static_cast<double>(left.item()) == doctest::Approx(static_cast<double>(right.item())).epsilon(1e-4));
  }
  const Tensor x = random.normal({1, 6, 8, 9});
  const AxisMap rows = bicubic_axis(6, 20), cols = bilinear_axis(8, 13);
  const Tensor whole = resample(x, rows, cols);
  Tensor band({5, 13, 9});
  resample_band(x, rows, cols, 7, 12, band.data());
  CHECK(relative_error(band, whole.reshape({20, 13, 9}).slice(7, 12)) <= kTolerance);
  CHECK(contains(message_of([&] { reflect_pad(x, 6); }), "[reflect_pad]"));
  CHECK(contains(message_of([&] { gaussian_blur(x, 4, 1); }), "taps must be odd"));
  CHECK(contains(message_of([&] { resize_bilinear(x, 0, 3); }), "sizes must be at least 1"));
}

TEST_CASE("ops: sizes of zero pass through") {
  const Tensor none = Tensor::zeros({0, 5});
  CHECK(linear(none, Tensor::zeros({3, 5}), Tensor()).shape() == Shape{0, 3});
  CHECK(layer_norm(none, Tensor::zeros({5}), Tensor::zeros({5}), 1).size() == 0);
  CHECK(softmax(none, 1).size() == 0);
  CHECK(concat({none, none}, 0).size() == 0);
  CHECK(attention(Tensor::zeros({0, 4, 6}), 1).size() == 0);
  CHECK(attention(Tensor::zeros({2, 0, 6}), 1).size() == 0);
}

TEST_CASE("isa: the reference comes first, the fastest table last, and each has a name of its own") {
  std::vector<std::string> names = missing_kernels();
  for (const Kernels* table : all_kernels()) names.emplace_back(table->isa);
  CHECK(all_kernels().size() >= 2);
  CHECK(all_kernels().front()->isa == std::string("reference"));
  CHECK(all_kernels().back()->isa != std::string("wide"));
  std::sort(names.begin(), names.end());
  CHECK(std::unique(names.begin(), names.end()) == names.end());
}
