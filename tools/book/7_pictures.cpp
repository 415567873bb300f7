#include "tools/book/7_pictures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "featup/fit/uncertainty.h"
#include "featup/measure/views.h"
#include "featup/published/implicit_fit.h"
#include "tools/book/book.h"
#include "tools/book/picture.h"
#include "tools/cli/progress.h"
#include "tools/media/line_chart.h"
#include "tools/media/pictures.h"

namespace fu::book {

namespace {

constexpr Index kPanel = 160;  // pixels of one picture among others

Image panel(const Image& image, Index side = kPanel) {
  return image.height >= side ? resize_antialiased(image, side, side) : enlarge_nearest(image, side, side);
}

/// One number a pixel, x (1,h,w,1), as a panel.
Image heat(const Tensor& x, Index side = kPanel) { return panel(heat_picture(x.reshape({x.dim(1), x.dim(2)})), side); }

Image colors_of(const Tensor& image) {
  const Tensor rgb = denormalize(image);
  Image picture{image.dim(1), image.dim(2), {}};
  for (Index i = 0; i < rgb.size(); ++i)
    picture.rgb.push_back(
        static_cast<unsigned char>(std::lround(255 * std::clamp(static_cast<double>(rgb.data()[i]), 0.0, 1.0))));
  return picture;
}

/// Loss and pictures of a network that is fitted to views in principal components.
struct NetworkFit {
  NetworkFit(const Subject& subject, const std::vector<JitteredView>& given, const Pca& pca, double tv)
      : random(1), views(given) {
    ImplicitFitOptions options;
    options.tv = tv;
    options.upsampler.frequencies = 16;
    options.upsampler.highest = std::log(3.14159 * 112);  // the pixels' Nyquist frequency
    for (JitteredView& view : views) view.features = pca.project(view.features);
    fit = std::make_unique<ImplicitFit>(subject.image, pca.components.dim(0), options, &random);
    fit->train(random);
  }
  double run(Index steps) {
    double loss = 0;
    for (Index step = 0; step < steps; ++step) {
      std::vector<const JitteredView*> drawn;
      for (int i = 0; i < 8; ++i) drawn.push_back(&views[usize(random.below(static_cast<Index>(views.size())))]);
      loss = fit->step(drawn);
    }
    return loss;
  }
  Tensor map() {
    fit->eval();
    Tensor result = fit->map();
    fit->train(random);
    return result;
  }
  Random random;
  std::vector<JitteredView> views;
  std::unique_ptr<ImplicitFit> fit;
};

Tensor length_of(const Tensor& map) { return unary(Unary::sqrt, sum(unary(Unary::square, map), -1)); }

/// The saliency that the downsampler gives the pixels of a map, and the weights of one window.
void draw_saliency(const Subject& subject, NetworkFit& network) {
  network.fit->eval();
  std::map<std::string, Tensor> p;
  network.fit->save(p, "");
  const Tensor map = network.fit->map(), seen = gaussian_blur(concat({length_of(map), map}, -1), 5, 1);
  const Tensor weight = p.at("downsampler.attention_net.1.weight");
  const Tensor saliency = linear(seen, weight.reshape({1, weight.size()}), p.at("downsampler.attention_net.1.bias"));
  std::vector<Image> pictures = {panel(subject.photo), heat(saliency)};
  constexpr Index kSide = 29;
  for (const Index left : {10, 122}) {  // windows of patches: 16 i - 6
    constexpr Index kTop = 138;
    const Tensor window = slice(slice(saliency, 1, kTop, kTop + kSide), 2, left, left + kSide);
    const Tensor logits = window.reshape({kSide, kSide}) * p.at("downsampler.w") + p.at("downsampler.b");
    const Tensor weights = softmax(logits.reshape({1, kSide * kSide}), -1);
    pictures.push_back(panel(crop(subject.photo, kTop, left, kSide, kSide)));
    pictures.push_back(heat(weights.reshape({1, kSide, kSide, 1})));
  }
  write_pictures("7-saliency.png", pictures);
}

}  // namespace

void draw_views(const Subject& subject) {
  const FeatureColors colors(subject.low);
  std::vector<Image> top = {panel(subject.photo)}, bottom = {panel(colors.paint(subject.low))};
  for (const JitteredView& view : subject.views(4, 7)) {
    top.push_back(panel(colors_of(apply_jitter(subject.image, view.jitter))));
    bottom.push_back(panel(colors.paint(view.features)));
  }
  write_picture("7-views.png", stacked({side_by_side(top), side_by_side(bottom)}));
}

void draw_levels(const Subject& subject, const JbuStack& stack) {
  const FeatureColors colors(subject.low);
  const Tensor source = jbu_source(stack, subject.low, subject.image);
  std::vector<Image> pictures = {panel(subject.photo), panel(colors.paint(subject.low))};
  for (int count = 1; count <= 4; ++count)
    pictures.push_back(panel(colors.paint(JbuRun(stack, source, subject.image, count).all())));
  write_pictures("7-levels.png", pictures);
}

void draw_kernels(const Subject& subject, const JbuStack& stack) {
  const Tensor kernels = jbu_kernels(stack.levels.back(), subject.image);
  const Index side = stack.levels.back().diameter(), r = stack.levels.back().radius(), width = subject.image.dim(2);
  std::vector<Image> top, bottom;
  const Index pixels[5][2] = {{40, 60}, {150, 30}, {118, 66}, {170, 165}, {95, 190}};
  for (const auto& pixel : pixels) {
    top.push_back(panel(crop(subject.photo, pixel[0] - r, pixel[1] - r, side, side)));
    const Index row = pixel[0] * width + pixel[1];
    const Tensor weights = kernels.reshape({kernels.size() / (side * side), side * side}).slice(row, row + 1);
    bottom.push_back(heat(weights.reshape({1, side, side, 1})));
  }
  write_picture("7-kernels.png", stacked({side_by_side(top), side_by_side(bottom)}));
}

void draw_components(const Subject& subject) {
  const Pca pca = fit_pca(subject.low, 5);
  const Tensor projected = pca.project(subject.low);
  std::vector<Image> pictures = {panel(FeatureColors(subject.low).paint(subject.low))};
  for (Index k = 0; k < 5; ++k) pictures.push_back(heat(slice(projected, 3, k, k + 1)));
  write_pictures("7-components.png", pictures);
}

void draw_uncertainty(const Subject& subject) {
  const Tensor map = resize_bilinear(subject.low, 224, 224);
  const auto squared_error = [&](const JitteredView& view) {  // the mean over channels
    const Tensor prediction = predict_view(map, view.jitter, 224, 224, view.features.dim(1), view.features.dim(2));
    return mean(unary(Unary::square, prediction - view.features), -1);
  };
  std::vector<JitteredView> views = subject.views(17, 5);
  const JitteredView unseen = views.back();
  views.pop_back();
  std::vector<Tensor> targets, errors;
  for (const JitteredView& view : views) targets.push_back(view.features), errors.push_back(squared_error(view));
  const auto p = fit_uncertainty(targets, errors, 0);
  const Tensor weight = p.at("scale_net.net.weight");
  const auto deviation = [&](const Tensor& x) {
    return unary(
        Unary::exp,
        unary(Unary::affine, linear(x, weight.reshape({1, weight.size()}), p.at("scale_net.net.bias")), 1, real(0.1)));
  };

  const Tensor error = squared_error(unseen), learned = deviation(unseen.features),
               same = unary(Unary::sqrt, mean(concat(errors, 0)));
  const auto loss = [&](const Tensor& s) {
    const Tensor measured = error / unary(Unary::affine, unary(Unary::square, s), 2);
    return static_cast<double>(mean(measured + unary(Unary::log, s)).item());
  };
  std::printf("loss of a view that was left out: %.2f with the learned deviations, %.2f with one for all positions\n",
              loss(learned), loss(same));
  write_pictures("7-uncertainty.png", {panel(colors_of(apply_jitter(subject.image, unseen.jitter))),
                                       heat(unary(Unary::sqrt, error)), heat(learned), heat(deviation(subject.low))});
}

void fit_section() {
  const Subject subject;
  const std::vector<JitteredView> views = subject.views(30, 1);
  std::vector<Tensor> all;
  for (const JitteredView& view : views) all.push_back(view.features);
  const Pca pca = fit_pca(concat(all, 0), 32);
  const HeldOutViews unseen(subject.image, subject.features, 16, 2);
  const auto explained = [&](const Tensor& map) { return 100 * unseen.explained_by(pca.unproject(map)).value(); };
  std::printf("explained by the bilinear map: %4.1f %%\n",
              100 * unseen.explained_by(resize_bilinear(subject.low, 224, 224)).value());

  const FeatureColors colors(pca.project(subject.low));
  std::vector<Image> pictures = {panel(subject.photo), panel(colors.paint(pca.project(subject.low)))};
  NetworkFit network(subject, views, pca, 0.05);
  double seconds = 0;
  Tensor with;
  for (const Index steps : {10, 30, 80}) {
    const double start = now_seconds();
    const double loss = network.run(steps);
    seconds += now_seconds() - start;
    const Tensor map = network.map();
    std::printf("%3ld more steps: loss %6.3f, explained %5.1f %%\n", static_cast<long>(steps), loss, explained(map));
    pictures.push_back(panel(colors.paint(map)));
    if (steps == 30) with = length_of(map);
  }
  std::printf("%.0f ms a step\n", 1000 * seconds / 120);
  write_pictures("7-implicit.png", pictures);
  draw_saliency(subject, network);

  NetworkFit rough(subject, views, pca, 0);
  rough.run(40);
  const Tensor without = length_of(rough.map());
  std::printf("total variation of the lengths after 40 steps: %.3f with its loss, %.3f without\n",
              static_cast<double>(total_variation(with).value.item()),
              static_cast<double>(total_variation(without).value.item()));
  write_pictures("7-variation.png", {heat(without), heat(with)});
}

}  // namespace fu::book
