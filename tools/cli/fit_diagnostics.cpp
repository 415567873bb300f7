#include "tools/cli/fit_diagnostics.h"

#include <algorithm>

#include "autograd/ops.h"
#include "core/ops/resample.h"
#include "featup/upsamplers/components_map.h"
#include "tools/media/curve_picture.h"
#include "tools/media/fit_record.h"
#include "tools/media/legends.h"
#include "tools/media/pictures.h"
#include "tools/media/pixel_text.h"

namespace fu {

namespace {

/// The whole map at the size of the photo.
Tensor render_all(const FittedMap& fit, const Image& photo, const ChannelMap* map = nullptr) {
  FittedRenderer renderer(fit, photo, map);
  Tensor out({1, photo.height, photo.width, renderer.channels()});
  renderer.render(0, 0, photo.height, photo.width, out.data());
  return out;
}

/// What the attention downsampler adds to a pixel's logit, (H,W): a linear function of the blurred features.
Tensor saliency_of(const FittedMap& fit) {
  const Tensor map = render_all(fit, fit.photo), v = fit.extra.at("downsampler.attention_net.1.weight").reshape({-1}),
               kept = fit.pca.components.size() > 0 ? fit.pca.project(map) : map;
  const Tensor read =
      norm_dot_energy(kept, v.slice(1, v.dim(0))).value;  // length, linear form and square of each pixel
  Tensor saliency({map.dim(1), map.dim(2)});
  for (Index p = 0; p < saliency.size(); ++p)
    saliency.data()[p] = read.data()[3 * p] * v.data()[0] + read.data()[3 * p + 1];
  return saliency;
}

/// Numbers (h,w) as a heatmap of a height, with a title and the numbers of its colours; square: whatever their shape.
Image heat_of_height(const Tensor& values, Index height, const std::string& title, bool square = false) {
  const Index scale = text_scale(height), map_height = height - (kTextHeight + 3) * scale;
  const Index width = square ? map_height : std::max<Index>(1, map_height * values.dim(1) / values.dim(0));
  const auto [low, high] = std::minmax_element(values.data(), values.data() + values.size());
  return add_title(add_heat_bar(enlarge_nearest(heat_picture(values), map_height, width), static_cast<double>(*low),
                                static_cast<double>(*high), scale),
                   title, scale);
}

std::vector<Image> diagnostics(const FittedMap& fit, Index height) {
  std::vector<Image> row;
  if (const Tensor uncertainty = uncertainty_of(fit); uncertainty.size() > 0)
    row.push_back(heat_of_height(uncertainty, height, "uncertainty"));
  if (fit.extra.count("downsampler.w")) {
    row.push_back(heat_of_height(fit.extra.at("downsampler.w"), height, "downsampler: weight", true));
    row.push_back(heat_of_height(fit.extra.at("downsampler.b"), height, "downsampler: bias", true));
    row.push_back(heat_of_height(saliency_of(fit), height, "downsampler: saliency"));
  } else if (fit.extra.count("downsampler.kernel_params")) {
    row.push_back(heat_of_height(unary(Unary::abs, fit.extra.at("downsampler.kernel_params")), height,
                                 "downsampler: kernel", true));
  }
  const HistoryPlaces places = history_places(fit);
  for (const auto& [column, title] : {std::pair<HistoryColumn, const char*>{HistoryColumn::loss, "loss"},
                                      {HistoryColumn::explained, "explained variance, unseen views"}})
    if (const std::vector<double> values = history_of(fit, column); !values.empty())
      row.push_back(curve_picture(values, height, height * 3 / 2, {title, places.name, places.values}));
  return row;
}

}  // namespace

Image fit_overview(const FittedMap& fit, const Image& photo) {
  constexpr Index kSide = 1024;
  const FeatureColors colors(fit.low);
  const ChannelMap three = map_to(colors.pca());
  const Tensor fine = render_all(fit, photo, &three),
               bilinear = resize_bilinear(colors.pca().project(fit.low), photo.height, photo.width);
  const Image coarse = enlarge_nearest(colors.paint(fit.low), photo.height, photo.width);
  const Image above = side_by_side({fit_picture(photo, kSide), fit_picture(coarse, kSide),
                                    fit_picture(colors.paint_components(bilinear), kSide),
                                    fit_picture(colors.paint_components(fine), kSide)});
  // Numbers need some room, however small the photo is.
  return stacked({above, side_by_side(diagnostics(fit, std::clamp<Index>(photo.height, 200, kSide)), 12)}, 8);
}

}  // namespace fu
