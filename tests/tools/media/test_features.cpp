// Feature maps and tokens in files: which array, which layout, which grid.
#include "tests/tools/program.h"
#include "tools/media/feature_io.h"

using namespace fu;
using namespace fu::test;

namespace {

struct Read {
  Tensor features;
  std::string how, error;
};

/// Writes an array and reads it for a photo.
Read read(const Tensor& t, Extent photo, Layout layout = Layout::automatic, const std::string& name = "features") {
  const TempFolder folder;
  write_safetensors(folder / "x", {{name, t}});
  Read r;
  r.error = message_of([&] { r.features = read_features(folder / "x", layout, photo, &r.how); });
  return r;
}

}  // namespace

TEST_CASE("features in files: layouts are told apart, nonsense is refused") {
  const TempFolder folder;
  Random random(2);
  const Tensor hwc = random.normal({14, 21, 64}), chw = hwc.permute({2, 0, 1});
  write_npy(folder / "hwc.npy", hwc);
  write_npy(folder / "chw.npy", chw.reshape({1, 64, 14, 21}));
  const Extent photo{300, 451};
  CHECK(relative_error(read_features(folder / "hwc.npy", Layout::automatic, photo), hwc.reshape({1, 14, 21, 64})) <=
        1e-7);
  CHECK(relative_error(read_features(folder / "chw.npy", Layout::automatic, photo), hwc.reshape({1, 14, 21, 64})) <=
        1e-7);
  CHECK(contains(message_of([&] { read_features(folder / "hwc.npy", Layout::chw, photo); }), "does not fit the shape"));
  CHECK(read_features(folder / "hwc.npy", Layout::chw, {}).shape() == Shape{1, 21, 64, 14});
  write_npy(folder / "flat.npy", Tensor::zeros({5}));
  CHECK(contains(message_of([&] { read_features(folder / "flat.npy", Layout::automatic, photo); }),
                 "a feature map is (h,w,C) or (C,h,w)"));
  Tensor bad = hwc.clone();
  bad.data()[100] = NAN;
  write_npy(folder / "bad.npy", bad);
  CHECK(contains(message_of([&] { read_features(folder / "bad.npy", Layout::automatic, photo); }),
                 "element 100 is not a finite number"));
  for (const bool safetensors : {false, true})
    for (const Layout layout : {Layout::hwc, Layout::chw}) {
      write_features(folder / "out", hwc.reshape({1, 14, 21, 64}), {safetensors, DType::f32, layout}, {});
      CHECK(relative_error(read_features(folder / "out", layout, photo), hwc.reshape({1, 14, 21, 64})) <= 1e-7);
    }
}

TEST_CASE("features in files: tokens become the grid that has the photo's shape") {
  Random random(5);
  const auto check = [&](Index others, Extent photo, Index h, Index w, const std::string& how) {
    CAPTURE(how);
    const Tensor rows = random.normal({others + h * w, 6});
    for (const bool batch : {false, true}) {
      const Read r = read(batch ? rows.reshape({1, rows.dim(0), 6}) : rows, photo);
      CHECK(r.error == "");
      REQUIRE(r.features.shape() == Shape{1, h, w, 6});
      Tensor grid({1, h, w, 6});
      std::copy_n(rows.data() + others * 6, grid.size(), grid.data());
      CHECK(relative_error(r.features, grid) <= 1e-7);
      CHECK(contains(r.how, how));
    }
  };
  check(0, {64, 64}, 14, 14, "14x14 tokens");
  check(1, {64, 64}, 14, 14, "14x14 tokens behind 1 other");
  check(2, {64, 64}, 14, 14, "14x14 tokens behind 2 others");
  check(4, {64, 64}, 16, 16, "behind 4 others");
  check(5, {64, 64}, 14, 14, "behind 5 others");
  check(9, {64, 64}, 16, 16, "behind 9 others");
  check(1, {300, 451}, 14, 21, "14x21 tokens behind 1 other");
  check(5, {451, 300}, 21, 14, "21x14 tokens behind 5 others");
  check(1, {375, 500}, 37, 50, "37x50 tokens behind 1 other");
  // 25 = 5x5, or 4x4 behind 9: both are squares.
  CHECK(contains(read(random.normal({25, 6}), {64, 64}).error,
                 "its array (25,6) could be read as 5x5 tokens or 4x4 tokens behind 9 others for a photo of 64x64"));
  CHECK(read(random.normal({25, 6}), {64, 64}, Layout::automatic, "x_norm_patchtokens").features.dim(1) == 5);
  CHECK(contains(read(random.normal({197, 6}), {480, 640}).error,
                 "could be read as 12x16 tokens behind 5 others or 14x14 tokens behind 1 other of a square part"));
  CHECK(
      contains(read(random.normal({198, 6}), {480, 640}).error, "does not fit the shape of a photo of 480x640 pixels"));
  CHECK(contains(read(random.normal({1, 198, 6}), {480, 640}).error,
                 "neither as a map (h,w,C) or (C,h,w) nor as tokens"));
  CHECK(read(random.normal({1, 197, 6}), {}).features.shape() == Shape{1, 14, 14, 6});
}

TEST_CASE("features in files: a map of another shape is refused, one that fits in two layouts is asked about") {
  Random random(6);
  CHECK(contains(read(random.normal({14, 14, 8}), {480, 640}).error, "does not fit the shape of a photo of 480x640"));
  CHECK(read(random.normal({14, 19, 8}), {480, 640}).features.shape() == Shape{1, 14, 19, 8});
  // 12x16 fits to the row; 16x20 would fit after enlarging.
  CHECK(read(random.normal({12, 16, 20}), {96, 128}).features.shape() == Shape{1, 12, 16, 20});
  CHECK(read(random.normal({224, 336, 2}), {300, 470}).features.shape() == Shape{1, 224, 336, 2});
  CHECK(read(random.normal({1, 1, 4}), {64, 64}).features.shape() == Shape{1, 1, 1, 4});  // a map, and tokens as well
  const Tensor cube = random.normal({14, 14, 14});
  CHECK(contains(read(cube, {64, 64}).error,
                 "could be read as a map of 14x14 (h,w,C) or a map of 14x14 (C,h,w) for a photo of 64x64 pixels"));
  CHECK(same_bits(read(cube, {64, 64}, Layout::chw).features,
                  read(cube.permute({1, 2, 0}), {64, 64}, Layout::hwc).features));
  // 256 tokens of 256 channels, or one channel of 256x256.
  const Tensor square = random.normal({1, 256, 256});
  CHECK(contains(read(square, {64, 64}).error, "a map of 256x256 (C,h,w) or 16x16 tokens"));
  CHECK(read(square, {64, 64}, Layout::tokens).features.shape() == Shape{1, 16, 16, 256});
  // What the program writes says its layout.
  const TempFolder folder;
  write_features(folder / "x", cube.reshape({1, 14, 14, 14}), {true, DType::f32, Layout::chw}, {});
  CHECK(relative_error(read_features(folder / "x", Layout::automatic, {64, 64}), cube.reshape({1, 14, 14, 14})) <=
        1e-7);
}

TEST_CASE("features in files: the array among several") {
  const TempFolder folder;
  Random random(7);
  const Tensor map = random.normal({4, 4, 3}), vector = random.normal({1, 3});
  const auto choice = [&](const std::map<std::string, Tensor>& tensors) {
    write_safetensors(folder / "x", tensors);
    return feature_array(Weights(folder / "x"));
  };
  CHECK(choice({{"a", map}, {"features", map}}) == "features");
  CHECK(choice({{"x_norm_clstoken", vector}, {"x_norm_patchtokens", map}, {"x_prenorm", map}}) == "x_norm_patchtokens");
  CHECK(choice({{"pooler_output", vector}, {"last_hidden_state", map}}) == "last_hidden_state");
  CHECK(choice({{"a", map}, {"b", vector}, {"c", Tensor::zeros({})}}) == "a");
  CHECK(choice({{"a", vector}, {"c", Tensor::zeros({5})}}) == "a");
  CHECK(choice({{"a", map}, {"b", map}}) == "");
  CHECK(contains(message_of([&] { read_features(folder / "x", Layout::automatic, {}); }),
                 "holds 2 arrays, and which of them are features is not clear"));
}

TEST_CASE("features in files: every way of saving the same features gives the same result") {
  FU_NEEDS_SHARED(shared);
  const std::string cases = shared + "/cases/";
  const TempFolder folder;
  const auto result = [&](const std::string& file) {
    const Outcome o =
        run(folder, "upsample " + cases + "photo56.png --upsampler bilinear --json --features " + cases + file);
    CAPTURE(o.err);
    CHECK(o.code == 0);
    CHECK(contains(o.out, "\"features_read_as\""));
    return Weights(folder / "featup-out/photo56.npy").read_single();
  };
  const Tensor expected = result("features_hwc_reference.npy");
  for (const char* file :
       {"tokens_1_N_C.npy", "features.npz", "features_compressed.npz", "dinov2_forward_features.pt"}) {
    CAPTURE(file);
    CHECK(same_bits(result(file), expected));
  }
}
