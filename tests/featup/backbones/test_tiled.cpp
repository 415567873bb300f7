// A window that slides over a large image.
#include "featup/backbones/tiled.h"

#include "core/ops.h"
#include "tests/featup/backbones/stages.h"
#include "tests/featup/backbones/stand_ins.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Feature: the mean colour of each patch, and where in the window it lies.
class Colours : public Backbone {
 public:
  std::string describe() const override { return "colours"; }
  Index patch() const override { return 4; }
  Index channels() const override { return 4; }
  Tensor features(const Tensor& image, const Progress&) const override {
    ++calls;
    const Index h = image.dim(1) / 4, w = image.dim(2) / 4;
    Tensor out = Tensor::zeros({image.dim(0), h, w, 4});
    for (Index b = 0; b < image.dim(0); ++b)
      for (Index i = 0; i < 4 * h; ++i)
        for (Index j = 0; j < 4 * w; ++j)
          for (Index c = 0; c < 3; ++c)
            out.data()[((b * h + i / 4) * w + j / 4) * 4 + c] +=
                image.data()[((b * 4 * h + i) * 4 * w + j) * 3 + c] / 16;
    for (Index i = 0; i < h; ++i) out.data()[i * w * 4 + 3] = static_cast<real>(i);
    return out;
  }
  mutable int calls = 0;
};

}  // namespace

TEST_CASE("tiles: features of places are those without windows, wherever the network looks at a patch alone") {
  const auto inner = std::make_shared<const Colours>();
  const auto backbone = tiled(inner, 16);
  Random random(1);
  const Tensor image = random.normal({2, 28, 40, 3});
  const Tensor x = backbone->features(image), y = inner->features(image, {});
  CHECK(inner->calls == 3 * 4 + 1);
  REQUIRE(x.shape() == y.shape());
  for (Index i = 0; i < x.size(); ++i)
    if (i % 4 < 3) CHECK(static_cast<double>(x.data()[i]) == doctest::Approx(static_cast<double>(y.data()[i])));
  // A small image is seen as it is.
  const Tensor small = random.normal({1, 16, 12, 3});
  CHECK(same_bits(backbone->features(small), inner->features(small, {})));
  CHECK(backbone->describe() == "colours, in windows of 16 pixels");
}

TEST_CASE("tiles: windows cover a side evenly, half over each other, and end where it ends") {
  CHECK(window_starts(16, 16, 4) == std::vector<Index>{0});
  CHECK(window_starts(20, 16, 4) == std::vector<Index>{0, 4});
  CHECK(window_starts(40, 16, 4) == std::vector<Index>{0, 8, 16, 24});
  for (Index length = 4; length < 300; length += 4) {
    const std::vector<Index> starts = window_starts(length, 32, 4);
    CHECK(starts.front() == 0);
    CHECK(starts.back() == std::max<Index>(0, length - 32));
    for (std::size_t i = 1; i < starts.size(); ++i) {
      CHECK(starts[i] - starts[i - 1] <= 16);
      CHECK(starts[i] > starts[i - 1]);
      CHECK(starts[i] % 4 == 0);
    }
  }
  CHECK(contains(message_of([] { tiled(std::make_shared<const Colours>(), 18); }), "give a multiple of that"));
  const TempFolder folder;
  write_random(folder / "vit.safetensors", original_vit({64, 1, 8, 3, 0, 96}));
  const std::shared_ptr<const Backbone> cls = open_backbone(folder / "vit.safetensors", feature_of("cls"));
  CHECK(contains(message_of([&] { tiled(cls, 16); }), "is of the whole image"));
}

TEST_CASE("value-path: times CLIP's projection it is maskclip") {
  const TempFolder folder;
  write_random(folder / "clip.safetensors", hf_clip({64, 2, 8, 3, 0, 96}, 24), real(0.3));
  Random random(2);
  const Tensor image = random.normal({1, 24, 32, 3});
  const Tensor path = open_backbone(folder / "clip.safetensors", feature_of("value-path"))->features(image);
  const Tensor projection = Weights(folder / "clip.safetensors").read("visual_projection.weight");
  CHECK(relative_error(linear(path, projection, Tensor()),
                       open_backbone(folder / "clip.safetensors", feature_of("maskclip"))->features(image)) < 1e-5);
}
