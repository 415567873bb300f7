#include "featup/training/upsampler_objective.h"

#include <cmath>

namespace fu {

UpsamplerObjective::UpsamplerObjective(Index channels, const UpsamplerObjectiveOptions& o, Random* random)
    : options_(o),
      channels_(channels),
      upsampler_(trained_kind(o.kind).make(channels, o, random)),
      scale_net_(channels, random) {
  add("upsampler", upsampler_->module());
  if (o.loss == TrainingLoss::crops) return;
  if (o.attention)
    downsampler_ = std::make_unique<AttentionDownsampler>(channels, o.kernel, random);
  else
    downsampler_ = std::make_unique<SimpleDownsampler>(o.kernel);
  // A uniform start at a tenth of the usual width: the uncertainty is nearly constant at first.
  if (random)
    for (Parameter* p : scale_net_.parameters()) p->set(unary(Unary::affine, p->value, real(0.1)));
  add("downsampler", *downsampler_);
  add("scale_net", scale_net_);
  if (!o.uncertainty) scale_net_.set_trainable(false);
  if (!o.attention && o.plain_mean) downsampler_->set_trainable(false);
}

UpsamplerDraws UpsamplerObjective::draw(const UpsamplerExample& example, Random& random) const {
  UpsamplerDraws draws;
  Tensor projection = random.normal({channels_, options_.projection});
  for (Index j = 0; j < options_.projection; ++j) {
    double square = 0;
    for (Index i = 0; i < channels_; ++i)
      square += std::pow(static_cast<double>(projection.data()[i * options_.projection + j]), 2);
    for (Index i = 0; i < channels_; ++i)
      projection.data()[i * options_.projection + j] *= static_cast<real>(1 / std::sqrt(std::max(square, 1e-30)));
  }
  draws.projections.push_back(projection);
  const Extent size = upsampler_->map_size(example.features.dim(1), example.features.dim(2));
  for (Index i = 0; options_.crf > 0 && i < options_.crf_samples; ++i) {
    draws.rows.push_back(random.below(size.height));
    draws.cols.push_back(random.below(size.width));
  }
  return draws;
}

/// The linear forms of the features that the loss depends on, upsampled, and the constants that a stack's last mixing
/// adds to them.
struct UpsamplerObjective::Forms {
  Tensor projection;    // (P,C): rows of all projections, one after another
  Var projected;        // (1,H,W,P): the map through the projections
  Var salience, terms;  // (1,H,W,1): the downsampler's attention without its bias, and the sum of its squared terms
  Var bias;             // of the attention, 1 element; the mixing's part included
  Var shift = Var(Tensor());  // (P): the mixing's constant through the projections; of size 0: none
};

UpsamplerObjective::Forms UpsamplerObjective::linear_forms(const UpsamplerExample& e,
                                                           const UpsamplerDraws& draws) const {
  Forms f;
  const Var mixed = upsampler_->mixed(e.source.size() > 0 ? e.source : e.features);
  f.projection = concat(draws.projections, 1).permute({1, 0});
  const Index drawn = f.projection.dim(0);
  const Linear* saliency = downsampler_->saliency();
  std::vector<LinearForms> forms = {{mixed, f.projection, false}};
  if (saliency) {
    forms.push_back({mixed, saliency->weight, false});
    forms.push_back({mixed, saliency->weight, true});
  }
  const Var map = upsampler_->enlarge(forms, e.features, e.image);
  f.projected = saliency ? slice(map, 3, 0, drawn) : map;
  // Jitters and weighted means leave a constant as it is, so the mixing's bias is added to their result.
  const Var constant = upsampler_->constant();
  if (constant.size() > 0) f.shift = linear(reshape(constant, {1, channels_}), f.projection, Tensor());
  if (!saliency) return f;
  f.salience = slice(map, 3, drawn, drawn + 1), f.terms = slice(map, 3, drawn + 1, drawn + 2);
  f.bias = saliency->bias;
  if (constant.size() > 0) f.bias = f.bias + sum(constant * reshape(saliency->weight, {channels_}));
  return f;
}

/// The downsampled, projected map in every view: (views,h,w,P).
Var UpsamplerObjective::predict(const Forms& f, const UpsamplerExample& e) const {
  const Index views = e.views.dim(0), h = e.views.dim(1), w = e.views.dim(2), drawn = f.projection.dim(0);
  const ViewWindows windows(e.jitters, f.projected.dim(1), f.projected.dim(2), h, w, downsampler_->kernel(),
                            options_.published, downsampler_->blurs(), {e.image.dim(1), e.image.dim(2)});
  const Var weights = downsampler_->window_weights(windows, f.salience, f.terms, f.bias);
  const Var carried = reshape(windows.onto_map(weights), {windows.rectangles()->weights()});
  const Var pred = reshape(rectangle_sums(f.projected, carried, windows.rectangles()), {views, h, w, drawn});
  return f.shift.size() > 0 ? pred + reshape(f.shift, {drawn}) : pred;
}

Var UpsamplerObjective::loss(const UpsamplerExample& e, const UpsamplerDraws& draws) const {
  return options_.loss == TrainingLoss::views ? views_loss(e, draws) : crops_loss(e);
}

Var UpsamplerObjective::crops_loss(const UpsamplerExample& e) const {
  const Index views = static_cast<Index>(e.jitters.size());
  require<ShapeError>(views >= 1 && e.views.rank() == 4 && e.views.dim(0) == views && e.views.dim(3) == channels_ &&
                          e.features.rank() == 4 && e.features.dim(3) == channels_,
                      "[upsampler_objective] ", views, " jitters, views ", e.views.shape(), ", features ",
                      e.features.shape(), ", for ", channels_, " channels: there must be a view for each jitter.");
  const Var map =
      upsampler_->enlarge_all(upsampler_->mixed(e.source.size() > 0 ? e.source : e.features), e.features, e.image);
  const Index h = e.views.dim(1), w = e.views.dim(2), cell = e.image.dim(1) / h;
  const ViewWindows windows(e.jitters, map.dim(1), map.dim(2), h, w, cell, false, false,
                            {e.image.dim(1), e.image.dim(2)});
  const Tensor mean = Tensor::full({windows.count(), cell * cell}, 1 / static_cast<real>(cell * cell));
  const Var carried = reshape(windows.onto_map(mean), {windows.rectangles()->weights()});
  const Var pred = reshape(rectangle_sums(map, carried, windows.rectangles()), e.views.shape());
  const Var constant = upsampler_->constant();
  return cosine_and_square_loss(constant.size() > 0 ? pred + constant : pred, e.views);
}

Var UpsamplerObjective::views_loss(const UpsamplerExample& e, const UpsamplerDraws& draws) const {
  const Index views = static_cast<Index>(e.jitters.size());
  require<ShapeError>(views >= 1 && e.views.rank() == 4 && e.views.dim(0) == views && e.views.dim(3) == channels_ &&
                          e.features.rank() == 4 && e.features.dim(3) == channels_ &&
                          (draws.projections.size() == 1 || static_cast<Index>(draws.projections.size()) == views),
                      "[upsampler_objective] ", views, " jitters, views ", e.views.shape(), ", features ",
                      e.features.shape(), ", ", draws.projections.size(), " projections, for ", channels_,
                      " channels: there must be a view for each jitter, and one projection, or one for each.");
  const Forms forms = linear_forms(e, draws);
  Var pred = predict(forms, e), target = linear(e.views, forms.projection, Tensor());
  const Index each = draws.projections.front().dim(1);
  if (draws.projections.size() > 1) {
    // Each view is compared through its own projection.
    const auto own = [&](const Var& x) {
      std::vector<Var> parts;
      for (Index v = 0; v < views; ++v) parts.push_back(slice(slice(x, 0, v, v + 1), 3, v * each, (v + 1) * each));
      return concat(parts, 0);
    };
    pred = own(pred), target = own(target);
  }
  Shape positions = e.views.shape();
  positions.set(3, 1);
  const Var scale = options_.uncertainty ? scale_net_(e.views) : Var(Tensor::full(positions, 1));
  Var total = reconstruction_loss(pred, target, scale);
  if (options_.crf > 0 && !draws.rows.empty()) {
    // The CRF loss depends on differences of features alone, so the shift is left out.
    Var features = draws.projections.size() > 1 ? slice(forms.projected, 3, 0, each) : forms.projected;
    if (options_.published) features = apply_jitter(features, e.jitters.front());
    const Tensor colors = resize_triangle(e.image, features.dim(1), features.dim(2));
    total = total + affine(crf_loss(colors, features, draws.rows, draws.cols), static_cast<real>(options_.crf));
  }
  if (options_.tv > 0) total = total + affine(total_variation(forms.projected), static_cast<real>(options_.tv));
  return total;
}

void UpsamplerObjective::export_to(std::map<std::string, Tensor>& tensors) {
  upsampler_->export_to(tensors);
  if (options_.kind != "jbu" || !downsampler_) return;
  downsampler_->save(tensors, "downsampler.");
  scale_net_.save(tensors, "scale_net.");
}

}  // namespace fu
