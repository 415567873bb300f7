// The fit as an upsampler: how often it looks, that it commutes with a map over channels, and that it beats one look.
#include "core/ops.h"
#include "featup/measure/views.h"
#include "featup/upsamplers/registry.h"
#include "tests/featup/fit/edge_picture.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// A backbone that mixes colours and their means over cells of 8 pixels, and counts its looks.
struct CountingBackbone {
  int looks = 0;
  Tensor operator()(const Tensor& image) {
    ++looks;
    Random random(5);
    return adaptive_avg_pool(linear(image, random.normal({6, 3}), Tensor()), image.dim(1) / 8, image.dim(2) / 8);
  }
};

}  // namespace

TEST_CASE("fit as an upsampler: looks as often as it is told, and explains unseen views better than one look") {
  const Tensor image = normalize(picture(64, 80));
  CountingBackbone backbone;
  const FeatureFunction look = [&](const Tensor& x) { return backbone(x); };
  const Tensor features = look(image);
  const Guide guide = [&](Index h, Index w) { return h == 0 ? image : resize_bilinear(image, h, w); };
  UpsamplerOptions options;
  options.backbone = look;
  const HeldOutViews unseen(image, look, 8, 3);
  const auto explained = [&](const std::string& name) {
    backbone.looks = 0;
    return unseen.explained_by((*open_upsampler(name, options))(features, guide, {64, 80})).value();
  };
  const double one = explained("builtin");
  CHECK(backbone.looks == 0);
  const double ten = explained("fit:0.3@10");
  CHECK(backbone.looks == 9);  // the features that are given are the first look
  const double hundred = explained("fit:0.1");
  CHECK(backbone.looks == 99);
  MESSAGE("explained: ", one, " by one look, ", ten, " by ten, ", hundred, " by a hundred");
  CHECK(1 - ten < 0.1 * (1 - one));
  CHECK(hundred > ten);
  CHECK(explained("fit@1") > explained("bilinear"));
}

TEST_CASE("fit as an upsampler: a map over channels before the fit gives what it gives after it, at any size") {
  const Tensor image = normalize(picture(64, 80));
  CountingBackbone backbone;
  const Tensor features = backbone(image);
  const Guide guide = [&](Index h, Index w) { return h == 0 ? image : resize_bilinear(image, h, w); };
  UpsamplerOptions options;
  options.backbone = [&](const Tensor& x) { return backbone(x); };
  Random random(2);
  const ChannelMap map{random.normal({6, 2}), random.normal({2})};
  const auto fit = open_upsampler("fit:0.3@5", options);
  // The last is rendered in more than one band.
  for (const Extent size : {Extent{64, 80}, Extent{50, 90}, Extent{256, 320}}) {
    const Tensor whole = (*fit)(features, guide, size), mapped = (*fit)(features, guide, size, &map);
    CHECK(mapped.shape() == Shape{1, size.height, size.width, 2});
    CHECK(relative_error(linear(whole, map.matrix.permute({1, 0}), map.offset), mapped) < 2e-3);
  }
  CHECK(contains(fit->describe(), "5 looks"));
}
