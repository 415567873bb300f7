// The fused upsampler against the one put together from separate ops, for every instruction set, size and band.
#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/jbu/jbu.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Writes a stack of random levels as a checkpoint.
void write_stack(const std::string& path, int levels, Index radius, Index keys, Index channels, bool norm = false,
                 Index guidance = 3, double bias = 1) {
  Random random(11);
  const Index n = (2 * radius + 1) * (2 * radius + 1);
  std::map<std::string, Tensor> t;
  const auto matrix = [&](Index out, Index in) {
    return unary(Unary::affine, random.normal({out, in, 1, 1}),
                 static_cast<real>(1 / std::sqrt(static_cast<double>(in))));
  };
  for (int i = 1; i <= levels; ++i) {
    const std::string p = "upsampler.up" + std::to_string(i) + ".";
    t[p + "range_temp"] = Tensor::full(Shape{}, real(0.3));
    t[p + "sigma_spatial"] = Tensor::full(Shape{}, real(0.8));
    t[p + "range_proj.0.weight"] = matrix(keys, guidance);
    t[p + "range_proj.0.bias"] = random.normal({keys});
    t[p + "range_proj.3.weight"] = matrix(keys, keys);
    t[p + "range_proj.3.bias"] = unary(Unary::affine, random.normal({keys}), static_cast<real>(bias));
    t[p + "fixup_proj.0.weight"] = matrix(n, n + guidance);
    t[p + "fixup_proj.0.bias"] = random.normal({n});
    t[p + "fixup_proj.3.weight"] = matrix(n, n);
    t[p + "fixup_proj.3.bias"] = random.normal({n});
  }
  if (channels) {
    t["upsampler.fixup_proj.1.weight"] = matrix(channels, channels);
    t["upsampler.fixup_proj.1.bias"] = random.normal({channels});
    if (norm) {
      t["model.1.norm.weight"] = random.normal({channels});
      t["model.1.norm.bias"] = random.normal({channels});
    }
  }
  write_safetensors(path, t);
}

Tensor unfused(const JbuStack& stack, Tensor x, const Tensor& guidance, int count) {
  for (int i = 0; i < count; ++i)
    x = jbu_learned_range(stack.levels[static_cast<std::size_t>(i)], x,
                          adaptive_avg_pool(guidance, 2 * x.dim(1), 2 * x.dim(2)));
  return x;
}

}  // namespace

TEST_CASE("jbu: fused equals unfused, every instruction set, odd sizes and widths") {
  const TempFolder folder;
  struct Size {
    Index radius, keys, h, w, c;
    int count;
    Index guidance = 3;
    double bias = 1;  // of the keys
  };
  // Widths around the tile of 32 pixels, channels around vectors, sources smaller than a neighbourhood, the most keys
  // and guidance that there is room for, and keys with biases whose products alone are in the thousands.
  for (const Size s : {Size{3, 32, 5, 7, 10, 2},
                       {3, 32, 4, 17, 1, 1},
                       {3, 32, 9, 16, 24, 1},
                       {1, 8, 3, 5, 33, 2},
                       {2, 7, 3, 4, 3, 2},
                       {5, 16, 6, 40, 9, 1},
                       {4, 16, 5, 5, 48, 2},
                       {3, 32, 40, 3, 5, 2},
                       {3, 64, 4, 18, 5, 1, 8},
                       {1, 1, 4, 9, 12, 1, 1},
                       {3, 32, 5, 7, 10, 1, 3, 60}}) {
    CAPTURE(s.radius);
    CAPTURE(s.c);
    CAPTURE(s.w);
    write_stack(folder / "stack", s.count, s.radius, s.keys, 0, false, s.guidance, s.bias);
    Random random(4);
    const Tensor source = random.normal({1, s.h, s.w, s.c}),
                 guidance = random.normal({1, s.h << s.count, s.w << s.count, s.guidance});
    Tensor expected;
    {
      const WithKernels use(*all_kernels().front());
      expected = unfused(JbuStack(Weights(folder / "stack")), source, guidance, s.count);
    }
    for (const Kernels* table : all_kernels()) {
      CAPTURE(std::string(table->isa));
      const WithKernels use(*table);
      const JbuStack stack{Weights(folder / "stack")};
      CHECK(relative_error(JbuRun(stack, source, guidance, s.count).all(), expected) <= 2e-5);
      CHECK(relative_error(unfused(stack, source, guidance, s.count), expected) <= 2e-5);
    }
  }
}

TEST_CASE("jbu: bands and threads change no bit") {
  const TempFolder folder;
  write_stack(folder / "stack", 3, 3, 32, 0);
  const JbuStack stack{Weights(folder / "stack")};
  Random random(5);
  const Tensor source = random.normal({1, 11, 6, 20}), guidance = random.normal({1, 88, 48, 3});
  const Tensor whole = JbuRun(stack, source, guidance, 3).all();
  {
    const WithThreads one(1);
    CHECK(same_bits(whole, JbuRun(stack, source, guidance, 3).all()));
  }
  for (Index band : {Index{2}, Index{6}, Index{34}}) {
    JbuRun run(stack, source, guidance, 3);
    Tensor out(whole.shape());
    for (Index i = 0; i < 88; i += band) run.rows(i, std::min<Index>(88, i + band), out.data() + i * 48 * 20);
    CHECK(same_bits(whole, out));
  }
  JbuRun run(stack, source, guidance, 3);
  Tensor out(whole.shape());
  CHECK(contains(message_of([&] { run.rows(4, 8, out.data()); }), "from top to bottom"));
}

TEST_CASE("jbu: sources of one pixel, and larger than their kernels") {
  const TempFolder folder;
  write_stack(folder / "stack", 4, 3, 32, 0);
  const JbuStack stack{Weights(folder / "stack")};
  Random random(6);
  for (const auto& [h, w] : std::vector<std::pair<Index, Index>>{{1, 1}, {1, 5}, {3, 1}}) {
    const Tensor y = JbuRun(stack, random.normal({1, h, w, 4}), random.normal({1, 16 * h, 16 * w, 3}), 4).all();
    for (Index i = 0; i < y.size(); ++i) REQUIRE(std::isfinite(y.data()[i]));
  }
}

TEST_CASE("jbu: mixing, projection and batches are exact") {
  const TempFolder folder;
  write_stack(folder / "stack", 4, 3, 16, 6, true);
  const JbuStack stack{Weights(folder / "stack")};
  Random random(7);
  const Tensor source = random.normal({2, 3, 4, 6}), guidance = random.normal({2, 48, 64, 3});
  const Tensor all = jbu_stack(stack, source, guidance);
  CHECK(all.shape() == Shape{2, 48, 64, 6});
  CHECK(same_bits(all.slice(1, 2), jbu_stack(stack, source.slice(1, 2), guidance.slice(1, 2))));

  const auto upsampler = open_upsampler(folder / "stack");
  const Tensor photo = guidance.slice(0, 1);
  const Guide guide = [&](Index, Index) { return photo; };
  const Tensor features = source.slice(0, 1), prepared = upsampler->output_space(features);
  CHECK(relative_error(prepared, layer_norm(features, stack.norm_weight, stack.norm_bias, real(1e-5))) <= 1e-6);
  const Tensor whole = (*upsampler)(features, guide, {48, 64});
  CHECK(relative_error(whole, jbu_stack(stack, prepared, photo)) <= 1e-5);
  ChannelMap map{random.normal({6, 2}), random.normal({2})};
  const Tensor projected = (*upsampler)(features, guide, {48, 64}, &map);
  CHECK(relative_error(projected, matmul(whole.reshape({-1, 6}), map.matrix).reshape({1, 48, 64, 2}) + map.offset) <=
        1e-5);
  // An offset that is added first is weighed by the kernels, as one more channel of ones would be.
  map.offset_first = true;
  ChannelMap ones{Tensor::zeros({6, 2}), Tensor::full({2}, 1), true}, none{Tensor::zeros({6, 2}), {}};
  const Tensor sums = (*upsampler)(features, guide, {48, 64}, &ones) - (*upsampler)(features, guide, {48, 64}, &none);
  CHECK(relative_error((*upsampler)(features, guide, {48, 64}, &map), projected - map.offset + sums * map.offset) <=
        1e-5);
  // What comes before the levels of the built-in stack looks at the features, not at what is made of them.
  const auto builtin = open_upsampler("builtin");
  const Tensor filtered = (*builtin)(features, guide, {48, 64});
  map.offset_first = false;
  CHECK(relative_error((*builtin)(features, guide, {48, 64}, &map),
                       matmul(filtered.reshape({-1, 6}), map.matrix).reshape({1, 48, 64, 2}) + map.offset) <= 1e-5);
  CHECK(upsampler->note(6).empty());
  CHECK(contains(upsampler->note(7), "made for 6 channels; the features have 7"));
}

TEST_CASE("jbu: any size of the result, in bands, no more memory than the result and a constant") {
  const TempFolder folder;
  write_stack(folder / "stack", 4, 3, 8, 0);
  Random random(8);
  const Tensor source = random.normal({1, 5, 7, 3});
  for (const std::string& name :
       std::vector<std::string>{"nearest", "bilinear", "bicubic", "jbu-classic", "builtin", folder / "stack"})
    for (const Extent size : {Extent{80, 112}, {3, 4}, {77, 50}, {1, 1}, {160, 300}}) {
      CAPTURE(name);
      const Guide guide = [&](Index h, Index w) { return Tensor::zeros({1, h, w, 3}); };
      double last = -1;
      const Tensor y = (*open_upsampler(name))(source, guide, size, nullptr, [&](double f) {
        CHECK(f >= last);
        last = f;
      });
      CHECK(y.shape() == Shape{1, size.height, size.width, 3});
      for (Index i = 0; i < y.size(); ++i) REQUIRE(std::isfinite(y.data()[i]));
    }
  CHECK(contains(message_of([] { open_upsampler("trilinear"); }),
                 "'trilinear' is no upsampler and no file of one's weights: choices are bilinear, nearest, bicubic, "
                 "jbu-classic, builtin, views, fit, or a file."));
}

TEST_CASE("jbu: what does not fit is refused") {
  const TempFolder folder;
  write_stack(folder / "stack", 4, 3, 8, 5);
  const JbuStack stack{Weights(folder / "stack")};
  CHECK(contains(message_of([&] {
                   jbu_stack(stack, Tensor::zeros({1, 14, 14, 5}), Tensor::zeros({1, 200, 224, 3}));
                 }),
                 "[jbu_stack] guidance (1,200,224,3) is smaller than source (1,14,14,5) x16 = (224,224). Give an image "
                 "of at least that size, or ask for a smaller result."));
  CHECK(contains(message_of([&] {
                   jbu_stack(stack, Tensor::zeros({1, 2, 2, 6}), Tensor::zeros({1, 32, 32, 3}));
                 }),
                 "mixing of 5 channels"));
  CHECK(contains(message_of([&] { jbu_kernels(stack.levels[0], Tensor::zeros({1, 3, 8, 3})); }), "above the radius 3"));
  std::map<std::string, Tensor> broken;
  const Weights whole(folder / "stack");
  for (const auto& [name, unused] : whole.entries()) broken[name] = whole.read(name);
  broken["upsampler.up2.fixup_proj.0.weight"] = Tensor::zeros({48, 51, 1, 1});
  write_safetensors(folder / "broken", broken);
  CHECK(
      contains(message_of([&] { JbuStack s{Weights(folder / "broken")}; }), "must be the square of 3, 5, 7, 9 or 11"));
  broken["upsampler.up2.fixup_proj.0.weight"] = Tensor::zeros({49, 51, 1, 1});
  write_safetensors(folder / "broken", broken);
  CHECK(contains(message_of([&] { JbuStack s{Weights(folder / "broken")}; }),
                 "'upsampler.up2.fixup_proj.0.weight' has shape (49,51,1,1), expected (49,52,1,1)"));
}
