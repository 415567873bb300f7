#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

void kernel_cases_pixel_layer(KernelCases& cases) {
  struct Size {
    Index rows, k, n;
  };
  for (const Size& s : {Size{1, 1, 1}, Size{0, 4, 4}, Size{5, 3, 33}, Size{47, 17, 64}, Size{49, 128, 128},
                        Size{96, 64, 31}, Size{13, 384, 40}, Size{3, 8, 8}}) {
    const Tensor x = cases.random.normal({s.rows, s.k}), weight = cases.random.normal({s.k, s.n}),
                 scale = cases.random.normal({s.k}), shift = cases.random.normal({s.k}),
                 bias = cases.random.normal({s.n}), residual = cases.random.normal({s.rows, s.n});
    const auto run = [=](const Kernels& k) {
      Tensor packed({k.gemm_packed_size(s.k, s.n) + 1}), scratch = scratch_of(k.pixel_layer_scratch());
      k.gemm_pack(weight.data(), s.n, 1, s.k, s.n, packed.data());
      PixelLayerArgs a;
      a.rows = s.rows, a.n = s.n, a.k = s.k, a.x = x.data();
      a.packed_b = packed.data(), a.scratch = scratch.data();
      Tensor plain = outputs(s.rows * s.n), whole = outputs(s.rows * s.n), moments = outputs(2 * s.n),
             onto = outputs_like(residual);
      a.y = plain.data();
      k.pixel_layer(a);
      a.scale = scale.data(), a.shift = shift.data(), a.activation = Activation::silu;
      a.bias = bias.data(), a.residual = residual.data(), a.y = whole.data();
      if (s.rows > 0) a.moments = moments.data();
      k.pixel_layer(a);
      a.activation = Activation::none, a.bias = nullptr, a.moments = nullptr;
      a.residual = a.y = onto.data();
      k.pixel_layer(a);
      std::vector<Tensor> all = {plain, whole, onto, moments};
      if (s.k == s.n) {
        all.push_back(outputs_like(x));
        a.x = a.y = all.back().data(), a.residual = residual.data();
        k.pixel_layer(a);
      }
      return joined(all);
    };
    cases.add(label({{"rows", s.rows}, {"k", s.k}, {"n", s.n}}), run, 1e-5);
  }
}

namespace {

struct ImageSize {
  Index h, w, c, n;
  bool reflect;
  std::string name() const {
    return label({{"h", h}, {"w", w}, {"c", c}, {"n", n}}) + (reflect ? ", mirrored" : ", zeros");
  }
};
const std::vector<ImageSize> kImages = {{2, 2, 1, 1, true},    {1, 1, 3, 5, false},   {3, 5, 3, 33, true},
                                        {4, 8, 16, 16, false}, {9, 11, 17, 8, true},  {5, 100, 4, 9, false},
                                        {6, 7, 128, 40, true}, {13, 98, 8, 12, true}, {0, 4, 2, 2, false}};

}  // namespace

void kernel_cases_conv3x3_pack(KernelCases& cases) {
  // The packed form is the target's own; that it is complete shows in conv3x3.
  cases.add("a convolution that copies", [](const Kernels& k) {
    Tensor weight = Tensor::zeros({1, 3, 3, 1}), packed({k.conv3x3_packed_size(1, 1)}), y = outputs(9);
    weight.data()[4] = 1;
    const Tensor x = Tensor::from({9}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
    k.conv3x3_pack(weight.data(), 1, 1, packed.data());
    Conv3x3Args a;
    a.h = a.w = 3, a.c = a.n = 1, a.x = x.data(), a.packed = packed.data(), a.y = y.data();
    Tensor scratch = scratch_of(k.conv3x3_scratch(a));
    a.scratch = scratch.data();
    k.conv3x3(a);
    return y;
  });
}

void kernel_cases_conv3x3(KernelCases& cases) {
  for (const ImageSize& s : kImages) {
    const Tensor x = cases.random.normal({s.h, s.w, s.c}), weight = cases.random.normal({s.n, 3, 3, s.c}),
                 scale = cases.random.normal({s.c}), shift = cases.random.normal({s.c}),
                 bias = cases.random.normal({s.n});
    const auto run = [=](const Kernels& k) {
      Tensor packed({k.conv3x3_packed_size(s.c, s.n)});
      k.conv3x3_pack(weight.data(), s.c, s.n, packed.data());
      Conv3x3Args a;
      a.h = s.h, a.w = s.w, a.c = s.c, a.n = s.n, a.reflect = s.reflect;
      a.x = x.data(), a.packed = packed.data();
      Tensor scratch = scratch_of(k.conv3x3_scratch(a)), plain = outputs(s.h * s.w * s.n),
             whole = outputs(s.h * s.w * s.n), moments = outputs(2 * s.h * s.n);
      a.scratch = scratch.data(), a.y = plain.data();
      k.conv3x3(a);
      a.scale = scale.data(), a.shift = shift.data(), a.activation = Activation::silu;
      a.bias = bias.data(), a.moments = moments.data(), a.y = whole.data();
      k.conv3x3(a);
      return joined({plain, whole, moments});
    };
    cases.add(s.name(), run, sizeof(real) == 8 ? 1e-12 : 3e-5);
  }
}

}  // namespace fu::test
