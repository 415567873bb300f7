// Views carried back to their place, with a backbone whose features are known: the mean colour of each cell.
#include "core/ops.h"
#include "featup/measure/views.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

Tensor cells(const Tensor& image) { return adaptive_avg_pool(image, image.dim(1) / 16, image.dim(2) / 16); }

/// Rows, columns and a bump: what moves, mirrors or scales a view wrongly shows in one of them.
Tensor scene(Index h, Index w) {
  Tensor x({1, h, w, 3});
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j) {
      real* p = x.data() + (i * w + j) * 3;
      const real y = static_cast<real>(i) / static_cast<real>(h), z = static_cast<real>(j) / static_cast<real>(w);
      p[0] = y, p[1] = z,
      p[2] = std::exp(-20 * ((y - real(0.3)) * (y - real(0.3)) + (z - real(0.6)) * (z - real(0.6))));
    }
  return x;
}

}  // namespace

TEST_CASE("views: back in place") {
  const Tensor image = scene(96, 128);
  Random random(4);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const Jitter j = draw_jitter(random, 96, 128, 20, 2);
    CAPTURE(j.zoom);
    CAPTURE(j.flip);
    const Tensor view = cells(apply_jitter(image, j));
    const ImageMaps maps = view_back_maps(j, 96, 128, view.dim(1), view.dim(2), 96, 128);
    const Tensor back = resample(view, maps.rows, maps.cols);
    Index seen = 0;
    double worst = 0;
    for (Index i = 0; i < 96; ++i)
      for (Index q = 0; q < 128; ++q) {
        if (maps.rows.rows().offset[i + 1] == maps.rows.rows().offset[i] ||
            maps.cols.rows().offset[q + 1] == maps.cols.rows().offset[q])
          continue;
        ++seen;
        // Away from the image's border, where cells hold mirrored pixels and bilinear interpolation is exact for a ramp
        // only inside.
        if (i < 24 || q < 24 || i >= 72 || q >= 104) continue;
        for (Index c = 0; c < 2; ++c)
          worst = std::max(worst, std::abs(static_cast<double>(back.data()[(i * 128 + q) * 3 + c]) -
                                           static_cast<double>(image.data()[(i * 128 + q) * 3 + c])));
      }
    CHECK(seen >= 96 * 128 / 5);
    CHECK(worst < 0.09);  // half a cell of 16 pixels at the view's own border
  }
}

TEST_CASE("views: their average, and what it explains") {
  const Tensor image = scene(96, 128);
  const Guide guide = [&](Index h, Index w) { return h > 0 ? resize_bilinear(image, h, w) : image; };
  UpsamplerOptions options;
  options.backbone = cells;
  const auto views = open_upsampler("views:60", options), bilinear = open_upsampler("bilinear");
  const Tensor coarse = cells(image), mean = (*views)(coarse, guide, {96, 128}),
               plain = (*bilinear)(coarse, guide, {96, 128});
  CHECK(relative_error(mean, image) < 0.16);  // at the corners, where the nearest cells' centres lie inside
  const HeldOutViews unseen(image, cells, 16, 0);
  // The image itself predicts this backbone exactly; other maps do so less well.
  CHECK(unseen.explained_by(image).value() > 1 - 1e-6);
  CHECK(unseen.explained_by(mean).value() > 0.9);
  CHECK(unseen.explained_by(mean).value() < 1);
  // A linear map over channels may go first.
  const Tensor matrix = Tensor::from({3, 2}, {1, 2, 0, 1, -1, 3});
  const ChannelMap map{matrix, Tensor::from({2}, {5, 6})};
  CHECK(relative_error((*views)(coarse, guide, {96, 128}, &map),
                       linear(mean, matrix.permute({1, 0}), Tensor()) + map.offset) < 1e-5);
  // The same seed, the same bits; another seed, other views.
  CHECK(same_bits((*open_upsampler("views:60", options))(coarse, guide, {96, 128}), mean));
  options.seed = 1;
  CHECK(!same_bits((*open_upsampler("views:60", options))(coarse, guide, {96, 128}), mean));
  CHECK(plain.shape() == mean.shape());
}

TEST_CASE("views: refused") {
  UpsamplerOptions options;
  CHECK(contains(message_of([&] { open_upsampler("views:8", options); }),
                 "needs a backbone; features from a file are one look"));
  options.backbone = cells;
  for (const char* name : {"views:0", "views:", "views:x", "views:8+", "views:99999999"})
    CHECK(contains(message_of([&] { open_upsampler(name, options); }), "write views, views:N or views:N+STACK"));
  CHECK(contains(message_of([&] { open_upsampler("views:8+no_such_file.ckpt", options); }), "no_such_file.ckpt"));
}
