// Weights of 16 and 8 bits: rounding, and layers that keep them.
#include "core/ops/conv.h"
#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr NarrowType kTypes[] = {NarrowType::f16, NarrowType::bf16, NarrowType::int8};

}  // namespace

TEST_CASE("narrow: names of types") {
  for (const NarrowType type : kTypes) CHECK(narrow_type_of(narrow_name(type)) == type);
  CHECK(narrow_type_of("f32") == NarrowType::none);
  CHECK(contains(message_of([] { narrow_type_of("int4"); }), "Choices are f32, f16, bf16 or int8"));
}

TEST_CASE("narrow: to round again changes nothing, and numbers stay near") {
  Random random(1);
  Tensor x = random.normal({9, 300});
  for (Index p = 0; p < 300; ++p) x.data()[2 * 300 + p] = 0, x.data()[3 * 300 + p] *= real(1e-4);
  for (const NarrowType type : kTypes) {
    CAPTURE(narrow_name(type));
    const Tensor y = rounded_to(x, type);
    CHECK(same_bits(rounded_to(y, type), y));
    CHECK(relative_error(y, x) <= (type == NarrowType::f16 ? 5e-4 : type == NarrowType::bf16 ? 4e-3 : 5e-3));
    CHECK(y.data()[2 * 300] == 0);
  }
  const Tensor y = rounded_to(x, NarrowType::int8), scales = int8_scales(y);
  CHECK(same_bits(int8_scales(x), scales));
  const Tensor numbers = int8_numbers(y, scales);
  for (Index i = 0; i < y.size(); ++i) CHECK(numbers.data()[i] * scales.data()[i / 300] == y.data()[i]);
  CHECK(scales.data()[2] == 1);
  CHECK(fits_narrow(Tensor::full({1}, 60000), NarrowType::f16));
  CHECK(!fits_narrow(Tensor::full({1}, 66000), NarrowType::f16));
  CHECK(fits_narrow(Tensor::full({1}, 66000), NarrowType::bf16));
  CHECK(!fits_narrow(Tensor::full({1}, real(NAN)), NarrowType::int8));
}

TEST_CASE("narrow: layers of 16 bits have the bits of layers with the rounded weights") {
  Random random(2);
  for (const Kernels* table : all_kernels()) {
    const WithKernels with(*table);
    CAPTURE(std::string(table->isa));
    for (const NarrowType type : {NarrowType::f16, NarrowType::bf16}) {
      // Some tables round activations to bf16 too, and sum in another order.
      const bool rounds = type == NarrowType::bf16 && table->rounds_bf16;
      const auto same = [&](const Tensor& a, const Tensor& b) {
        return rounds ? relative_error(a, b) < 1e-5 : same_bits(a, b);
      };
      for (const Index k : {Index{7}, Index{192}, Index{1000}}) {
        const Tensor w = random.normal({45, k}), bias = random.normal({45}), x = random.normal({31, k}),
                     input = rounds ? rounded_to(x, type) : x, scale = random.normal({45}), round = rounded_to(w, type);
        const NarrowMatrix narrow = pack_narrow(w, type);
        CHECK(same(PackedLinear(narrow, Tensor(), bias)(x, Activation::gelu),
                   PackedLinear(round, bias)(input, Activation::gelu)));
        const PackedLinear scaled(round * scale.reshape({45, 1}), bias);
        CHECK(same(PackedLinear(narrow, scale, bias)(x), scaled(input)));
        CHECK(same_bits(PackedLinear(narrow, scale, bias)(x), PackedLinear(narrow, scale, bias)(input)));
        Tensor y = random.normal({31, 45}), z = y.clone();
        PackedLinear(narrow, scale, bias).add_to(y, x);
        scaled.add_to(z, input);
        CHECK(same(y, z));
      }
      const Tensor image = random.normal({2, 9, 8, 5}), w = random.normal({20, 3 * 3 * 5});
      CHECK(same(conv2d(image, PackedLinear(pack_narrow(w, type), Tensor(), Tensor()), 3, 3, 2, 1, 1, Activation::relu),
                 conv2d(rounds ? rounded_to(image, type) : image, PackedLinear(rounded_to(w, type), Tensor()), 3, 3, 2,
                        1, 1, Activation::relu)));
    }
    // Every NaN stays one, also where rounding up would carry into its sign or leave nothing of it.
    for (const std::uint32_t bits : {0x7fffffffu, 0xffffffffu, 0x7f800001u, 0xff800001u}) {
      float nan;
      std::memcpy(&nan, &bits, sizeof nan);
      Tensor x = Tensor::full({1, 8}, 1);
      x.data()[3] = real(nan);
      CHECK(std::isnan(
          PackedLinear(pack_narrow(Tensor::full({1, 8}, 1), NarrowType::bf16), Tensor(), Tensor())(x).data()[0]));
    }
    // Infinity and NaN stay what they are, also numbers that round up to infinity.
    for (const real value : {real(INFINITY), real(-INFINITY), real(NAN), real(3.4e38)}) {
      Tensor x = Tensor::full({2, 8}, 1);
      x.data()[5] = value;
      const Tensor y = PackedLinear(pack_narrow(Tensor::full({1, 8}, 1), NarrowType::bf16), Tensor(), Tensor())(x);
      CAPTURE(value);
      CHECK(y.data()[1] == 8);
      if (std::isnan(value))
        CHECK(std::isnan(y.data()[0]));
      else if (value != real(3.4e38))
        CHECK(y.data()[0] == value);
      else
        CHECK(y.data()[0] >= real(3.3e38));
    }
  }
  CHECK(contains(message_of([] { pack_narrow(Tensor::zeros({3}), NarrowType::bf16); }), "[pack_narrow] weight (3)"));
  CHECK(contains(message_of([] {
                   PackedLinear(pack_narrow(Tensor::zeros({3, 2}), NarrowType::int8), Tensor::zeros({2}), Tensor());
                 }),
                 "scale (2)"));
}

TEST_CASE("narrow: layers of 8 bits are near those of 32, and give the same bits everywhere") {
  Random random(3);
  const Tensor w = random.normal({70, 900}), x = random.normal({23, 900}), none;
  Tensor everywhere;
  for (const Kernels* table : all_kernels()) {
    const WithKernels with(*table);
    CAPTURE(std::string(table->isa));
    const PackedLinear narrow(pack_narrow(w, NarrowType::int8), none, none);
    const Tensor y = narrow(x);
    CHECK(relative_error(y, PackedLinear(w, none)(x)) < 0.01);
    // The weights alone are rounded so much; the activations have 13 bits or more.
    CHECK(relative_error(y, PackedLinear(rounded_to(w, NarrowType::int8), none)(x)) < 2e-4);
    if (table == all_kernels().front()) continue;  // the reference rounds once where the others round twice
    if (everywhere.size() > 0) CHECK(same_bits(y, everywhere));
    everywhere = y;
    for (const int threads : {1, 3}) {
      const WithThreads n(threads);
      CHECK(same_bits(narrow(x), y));
    }
  }
}
