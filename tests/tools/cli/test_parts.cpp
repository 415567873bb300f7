// Parts of the commands, without running the program.
#include <cmath>

#include "core/files/weights.h"
#include "core/ops.h"
#include "core/ops/pca.h"
#include "core/ops/resample.h"
#include "tests/support.h"
#include "tools/cli/channel_maps.h"
#include "tools/cli/errors.h"
#include "tools/cli/methods.h"
#include "tools/cli/outlines.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/photo_features.h"

using namespace fu;
using namespace fu::test;

namespace {

Image noise(std::uint64_t seed, Index height, Index width) {
  Random random(seed);
  Image image{height, width, {}};
  for (Index i = 0; i < height * width * 3; ++i) image.rgb.push_back(static_cast<unsigned char>(random.below(256)));
  return image;
}

/// Labels 1 in a rectangle, 0 around it.
Labels rectangle(Index height, Index width, Index top, Index left, Index rows, Index cols) {
  Labels labels(usize(height * width));
  for (Index i = top; i < top + rows; ++i)
    for (Index j = left; j < left + cols; ++j) labels[usize(i * width + j)] = 1;
  return labels;
}

}  // namespace

TEST_CASE("cli: each size of a photo is made once, all of it or its middle") {
  const Image photo = noise(1, 40, 60);
  const PhotoViews whole(photo, false), middle(photo, true);
  CHECK(&whole.at(20, 20) == &whole.at(20, 20));
  CHECK(&whole.at(40, 60) == &whole.photo());
  CHECK(whole.at(20, 20).rgb == resize_antialiased(photo, 20, 20).rgb);
  CHECK(middle.at(20, 20).rgb == cover(photo, 20, 20).rgb);
  CHECK(middle.at(20, 20).rgb != whole.at(20, 20).rgb);

  const Guide guide = guide_of(std::make_shared<PhotoViews>(photo, false), {20, 30});
  CHECK(guide(0, 0).shape() == Shape{1, 20, 30, 3});
  CHECK(guide(8, 12).shape() == Shape{1, 8, 12, 3});
  CHECK(same_bits(guide(0, 0), normalize(resize_antialiased(photo, 20, 30))));
}

TEST_CASE("cli: errors of the library get the option that helps, once") {
  CHECK(with_remedy("[memory] 2 MB would exceed the limit of 1 MB.") ==
        "[memory] 2 MB would exceed the limit of 1 MB. Raise --max-memory.");
  CHECK(with_remedy("it needs a backbone. Give --backbone.") == "it needs a backbone. Give --backbone.");
  CHECK(with_remedy("a.png: is damaged.") == "a.png: is damaged.");
}

TEST_CASE("cli: sizes and numbers of bytes") {
  CHECK(parse_bytes("--max-memory", "2G") == 2000000000u);
  CHECK(parse_bytes("--max-memory", "3K") == 3000u);
  CHECK(parse_bytes("--max-memory", "17") == 17u);
  CHECK(parse_bytes("--max-memory", "") == 0u);
  for (const char* wrong : {"G", "-1", "1.5G", "1T", "99999999999999999999"})
    CHECK_THROWS_AS(parse_bytes("--max-memory", wrong), UsageError);
  CHECK(parse_extent("--size", "3x4").width == 4);
  for (const char* wrong : {"3", "3x", "x4", "3x4x5", "0x4", "3x65537", "3x-4"})
    CHECK_THROWS_AS(parse_extent("--size", wrong), UsageError);
  CHECK(parse_input_size("5").short_side == 5);
  CHECK(parse_input_size("5x6").width == 6);
  CHECK(parse_square_or_extent("7").width == 7);
  CHECK_THROWS_AS(parse_input_size("five"), UsageError);
}

TEST_CASE("cli: names of results") {
  CHECK(stem_of("a/photo.fit.safetensors") == "photo");
  CHECK(stem_of("a/photo.jpg") == "photo");
  CHECK(stem_of(".fit.png") == ".fit");
  CHECK(with_extension("a/b.npy", ".png") == "a/b.png");
  CHECK_THROWS_AS(output_stems({"a/x.png", "b/x.jpg"}), UsageError);
  CHECK_THROWS_AS(check_outputs({"same", "./same"}), UsageError);
}

TEST_CASE("cli: projection and principal components are one map over channels") {
  Random random(3);
  const Tensor features = random.normal({1, 6, 7, 5}), matrix = random.normal({5, 4});
  ProjectionArgs args;
  CHECK(channel_map(args, {}, features, "the features have").matrix.size() == 0);
  args.pca = 2;
  const ChannelMap map = channel_map(args, matrix, features, "the features have");
  const Tensor projected = matmul(features.reshape({-1, 5}), matrix);
  CHECK(relative_error(apply_map(features, map).reshape({-1, 2}), fit_pca(projected, 2).project(projected)) <= 1e-5);
  args.pca = 5;
  CHECK_THROWS_AS(channel_map(args, matrix, features, "the features have"), UsageError);
  CHECK_THROWS_AS(channel_map(args, random.normal({3, 2}), features, "the features have"), UsageError);
}

TEST_CASE("cli: outlines are found within the tolerance, clicks are in the middle") {
  const Index h = 20, w = 24;
  const Labels exact = rectangle(h, w, 5, 6, 8, 9), moved = rectangle(h, w, 7, 6, 8, 9);
  CHECK(outline_score(exact, exact, h, w, 0) == 1);
  CHECK(outline_score(moved, exact, h, w, 2) == 1);
  CHECK(outline_score(moved, exact, h, w, 1) < 1);
  CHECK(outline_score(Labels(usize(h * w)), exact, h, w, 2) == 0);
  const Index click = click_on(exact, h, w, 1);
  CHECK(std::abs(click / w - 9) <= 1);
  CHECK(std::abs(click % w - 10) <= 2);
  CHECK(click_on(exact, h, w, 7) == -1);

  // Features that tell the label name every pixel right, from clusters as from clicks.
  Tensor x({1, h, w, 2});
  for (Index p = 0; p < h * w; ++p) x.data()[2 * p] = exact[usize(p)], x.data()[2 * p + 1] = 3;
  CHECK(outline_score(clusters_of(x, 2), exact, h, w, 0) == 1);
  CHECK(click_score(x, exact, clicks_on_all(exact, h, w, 3)) == 1);
}

TEST_CASE("cli: in tables bilinear comes first, others once; folders of features are methods") {
  UpsamplerOptions options;
  options.backbone = [](const Tensor& image) { return adaptive_avg_pool(image, 3, 4); };
  const TempFolder folder;
  Random random(1);
  const Tensor x = random.normal({1, 3, 4, 2});
  write_safetensors(folder / "a.safetensors", {{"features", x.reshape({3, 4, 2})}});
  std::string photo = "a";
  EvalArgs args;
  args.more = {"views:3", "bilinear", "views:3", "implicit"};
  const std::vector<Method> all = open_methods(args, options, photo);
  const auto count = [&](const std::string& name) {
    return std::count_if(all.begin(), all.end(), [&](const Method& m) { return m.name == name; });
  };
  CHECK(all.front().name == "bilinear");
  CHECK(count("bilinear") == 1);
  CHECK(count("views:3") == 1);
  CHECK(count("fit") == 1);  // "implicit" is its older name
  CHECK(all.back().cost() == Cost::many_passes);

  args.only = true;
  args.more = {"folder:" + folder.path()};
  const std::vector<Method> few = open_methods(args, options, photo);
  REQUIRE(few.size() == 2);
  const Upsampler& made = *few[1].upsampler;
  CHECK(few[1].cost() == Cost::made_elsewhere);
  const Guide none;
  const Tensor y = made(random.normal({1, 3, 4, 2}), none, {12, 16});
  CHECK(same_bits(y, resize_bilinear(x, 12, 16)));
  const ChannelMap map{random.normal({2, 3}), random.normal({3})};
  CHECK(made(x, none, {12, 16}, &map).shape() == Shape{1, 12, 16, 3});
  photo = "b";
  CHECK_THROWS_AS(made(x, none, {12, 16}), FileError);
  CHECK_THROWS_AS(require_maps(few, {"a", "b"}), FileError);
  args.more = {"folder:" + (folder / "none")};
  CHECK_THROWS_AS(open_methods(args, options, photo), FileError);
}
