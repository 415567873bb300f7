#include "featup/training/jbu_training.h"

#include <cmath>

namespace fu {

JbuTraining::JbuTraining(Index channels, const JbuTrainingOptions& o, Random* random)
    : options_(o), channels_(channels), upsampler_(channels, o.layers, random), scale_net_(channels, random) {
  if (o.attention)
    downsampler_ = std::make_unique<AttentionDownsampler>(channels, o.kernel, random);
  else
    downsampler_ = std::make_unique<SimpleDownsampler>(o.kernel);
  // The uncertainty begins small.
  if (random)
    for (Parameter* p : scale_net_.parameters()) p->set(unary(Unary::affine, p->value, real(0.1)));
  add("upsampler", upsampler_);
  add("downsampler", *downsampler_);
  add("scale_net", scale_net_);
  if (!o.uncertainty) scale_net_.set_trainable(false);
  if (!o.attention && o.plain_mean) downsampler_->set_trainable(false);
}

JbuDraws JbuTraining::draw(const JbuExample& example, Random& random) const {
  JbuDraws draws;
  Tensor projection = random.normal({channels_, options_.projection});
  for (Index j = 0; j < options_.projection; ++j) {
    double square = 0;
    for (Index i = 0; i < channels_; ++i)
      square += std::pow(static_cast<double>(projection.data()[i * options_.projection + j]), 2);
    for (Index i = 0; i < channels_; ++i)
      projection.data()[i * options_.projection + j] *= static_cast<real>(1 / std::sqrt(std::max(square, 1e-30)));
  }
  draws.projections.push_back(projection);
  for (Index i = 0; options_.crf > 0 && i < options_.crf_samples; ++i) {
    draws.rows.push_back(random.below(example.features.dim(1) << options_.layers.levels));
    draws.cols.push_back(random.below(example.features.dim(2) << options_.layers.levels));
  }
  return draws;
}

namespace {

/// The image as levels pool it: at least as large as the map.
Tensor guide(const Tensor& image, Index h, Index w) {
  return image.dim(1) >= h && image.dim(2) >= w ? image : resize_triangle(image, h, w);
}

}  // namespace

Tensor JbuTraining::source(const Tensor& features, const Tensor& image) const {
  if (!options_.filter.present()) return features;
  const NoRecording constant;
  const Tensor photo = guide(image, 2 * features.dim(1), 2 * features.dim(2));
  return filter_tokens(options_.filter, features, [&](const Tensor& x) { return upsampler_.smooth(x, photo).value; });
}

Var JbuTraining::loss(const JbuExample& e, const JbuDraws& draws) const {
  const Index views = static_cast<Index>(e.jitters.size());
  require<ShapeError>(views >= 1 && e.views.rank() == 4 && e.views.dim(0) == views && e.views.dim(3) == channels_ &&
                          e.features.rank() == 4 && e.features.dim(3) == channels_ &&
                          (draws.projections.size() == 1 || static_cast<Index>(draws.projections.size()) == views),
                      "[jbu training] ", views, " jitters, views ", e.views.shape(), ", features ", e.features.shape(),
                      ", ", draws.projections.size(), " projections, for ", channels_, " channels.");
  // Every linear form of the features that anything below looks at, taken at low resolution: projections, the saliency,
  // and the sum of its squared terms, which tells how much dropping some of them would change it.
  const Var mixed = upsampler_.mix(e.source.size() > 0 ? e.source : e.features);
  const Tensor projection = concat(draws.projections, 1).permute({1, 0});  // rows
  const Index drawn = projection.dim(0), each = draws.projections.front().dim(1);
  const Linear* saliency = downsampler_->saliency();
  std::vector<Var> forms = {linear(mixed, projection, Tensor())};
  if (saliency) {
    forms.push_back(linear(mixed, saliency->weight, Tensor()));
    forms.push_back(linear(square(mixed), square(saliency->weight), Tensor()));
  }
  const Index map_h = e.features.dim(1) << options_.layers.levels, map_w = e.features.dim(2) << options_.layers.levels;
  const Var map = upsampler_.enlarge(concat(forms, -1), guide(e.image, map_h, map_w));
  const Var projected = saliency ? slice(map, 3, 0, drawn) : map;
  // A constant passes through jitters and means of all kinds as it is: what the mixing adds is added last.
  const Var constant = upsampler_.constant();
  const Var shift =
      constant.size() > 0 ? linear(reshape(constant, {1, channels_}), projection, Tensor()) : Var(Tensor());

  const Index h = e.views.dim(1), w = e.views.dim(2);
  const ViewWindows windows(e.jitters, map_h, map_w, h, w, downsampler_->kernel(), options_.published,
                            downsampler_->blurs(), {e.image.dim(1), e.image.dim(2)});
  Var weights;
  if (saliency) {
    Var bias = saliency->bias;
    if (constant.size() > 0) bias = bias + sum(constant * reshape(saliency->weight, {channels_}));
    weights = downsampler_->window_weights(windows, slice(map, 3, drawn, drawn + 1),
                                           slice(map, 3, drawn + 1, drawn + 2), bias);
  } else {
    weights = downsampler_->window_weights(windows, Tensor(), Tensor(), Tensor());
  }
  const Var carried = reshape(windows.onto_map(weights), {windows.rectangles()->weights()});
  Var pred = reshape(rectangle_sums(projected, carried, windows.rectangles()), {views, h, w, drawn});
  if (shift.size() > 0) pred = pred + reshape(shift, {drawn});
  Var target = linear(e.views, projection, Tensor());
  if (draws.projections.size() > 1) {
    // Each view through its own.
    const auto own = [&](const Var& x) {
      std::vector<Var> parts;
      for (Index v = 0; v < views; ++v) parts.push_back(slice(slice(x, 0, v, v + 1), 3, v * each, (v + 1) * each));
      return concat(parts, 0);
    };
    pred = own(pred), target = own(target);
  }
  const Var scale = options_.uncertainty ? scale_net_(e.views) : Var(Tensor::full({views, h, w, 1}, 1));
  Var total = reconstruction_loss(pred, target, scale);
  if (options_.crf > 0 && !draws.rows.empty()) {
    // Differences of features are all it looks at, so that the shift does not matter.
    Var features = draws.projections.size() > 1 ? slice(projected, 3, 0, each) : projected;
    if (options_.published) features = apply_jitter(features, e.jitters.front());
    total = total + affine(crf_loss(resize_triangle(e.image, map_h, map_w), features, draws.rows, draws.cols),
                           static_cast<real>(options_.crf));
  }
  if (options_.tv > 0) total = total + affine(total_variation(projected), static_cast<real>(options_.tv));
  return total;
}

Tensor JbuTraining::map(const Tensor& features, const Tensor& image) const {
  const NoRecording inference;
  const Index levels = options_.layers.levels;
  return upsampler_(source(features, image), guide(image, features.dim(1) << levels, features.dim(2) << levels)).value;
}

void JbuTraining::export_to(std::map<std::string, Tensor>& tensors) {
  upsampler_.export_to(tensors, "upsampler.");
  if (options_.filter.present()) tensors["upsampler.token_filter"] = options_.filter.numbers();
  if (options_.layers.smoothing.present()) tensors["upsampler.smoothing"] = options_.layers.smoothing.numbers();
  downsampler_->save(tensors, "downsampler.");
  scale_net_.save(tensors, "scale_net.");
}

}  // namespace fu
