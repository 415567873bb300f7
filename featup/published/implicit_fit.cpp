#include "featup/published/implicit_fit.h"

namespace fu {

ImplicitFit::ImplicitFit(const Tensor& image, Index channels, const ImplicitFitOptions& o, Random* random)
    : options_(o),
      image_(image),
      channels_(channels),
      upsampler_(std::make_shared<ImplicitNetwork>(o.upsampler, channels, random)),
      scale_net_(channels, random) {
  require<ShapeError>(image.rank() == 4 && image.dim(0) == 1 && image.dim(3) == 3, "[implicit fit] image ",
                      image.shape(), " must be (1,H,W,3).");
  signals_ = upsampler_->signals_of(image);
  // The feature's length goes along as one more channel, the first.
  if (o.downsampler == "attention")
    downsampler_ = std::make_unique<AttentionDownsampler>(channels + 1, o.kernel, random, true, o.dropout_saliency);
  else
    downsampler_ = std::make_unique<SimpleDownsampler>(o.kernel);
  // The uncertainty begins small.
  if (random)
    for (Parameter* p : scale_net_.parameters()) p->set(unary(Unary::affine, p->value, real(0.1)));
  add("upsampler", *upsampler_);
  add("downsampler", *downsampler_);
  add("scale_net", scale_net_);
  if (!o.uncertainty) scale_net_.set_trainable(false);
}

Var ImplicitFit::map_of() const {
  const Tensor& image = coarse_ ? half_image_ : image_;
  const Tensor& base = coarse_ ? half_base_ : base_;
  const Var map =
      reshape(upsampler_->pixels(coarse_ ? half_signals_ : signals_), {1, image.dim(1), image.dim(2), channels_});
  return base.size() > 0 ? map + base : map;
}

Var ImplicitFit::loss(const std::vector<const JitteredView*>& views) const {
  require<UsageError>(!views.empty(), "[implicit fit] a step wants at least one view.");
  std::vector<Tensor> targets;
  std::vector<Jitter> jitters;
  for (const JitteredView* view : views) {
    require<ShapeError>(view->features.rank() == 4 && view->features.dim(0) == 1 && view->features.dim(3) == channels_,
                        "[implicit fit] view ", view->features.shape(), " of features of ", channels_,
                        " channels: must be (1,h,w,", channels_, ").");
    jitters.push_back(view->jitter);
    targets.push_back(view->features);
  }
  const Tensor target = concat(targets, 0);
  const Tensor& image = coarse_ ? half_image_ : image_;
  const ViewWindows windows(jitters, image.dim(1), image.dim(2), target.dim(1), target.dim(2), downsampler_->kernel(),
                            options_.published_grid, downsampler_->blurs(), {image_.dim(1), image_.dim(2)});
  const Var map = map_of();
  Var length;
  const Var weights =
      reshape(windows.onto_map(downsampler_->view_weights(windows, map, length)), {windows.rectangles()->weights()});
  const Var pred = reshape(rectangle_sums(map, weights, windows.rectangles()), target.shape());
  const Var target_length = magnitude(target),
            down_length = reshape(rectangle_sums(length, weights, windows.rectangles()), target_length.shape());
  const Var scale = options_.uncertainty ? scale_net_(target)
                                         : Var(Tensor::full({target.dim(0), target.dim(1), target.dim(2), 1}, 1));
  Var total = reconstruction_loss(pred, target, scale);
  if (options_.magnitude > 0)
    total = total + affine(mean(square(down_length - target_length)) + mean(square(magnitude(pred) - target_length)),
                           static_cast<real>(options_.magnitude));
  if (options_.tv > 0) total = total + affine(total_variation(length), static_cast<real>(options_.tv));
  if (options_.blur_pin > 0) total = total + affine(blur_distance(map), static_cast<real>(options_.blur_pin));
  return total;
}

void ImplicitFit::set_base(const Tensor& base) {
  require<ShapeError>(base.shape() == Shape({1, image_.dim(1), image_.dim(2), channels_}), "[implicit fit] base ",
                      base.shape(), " for an image ", image_.shape(), " and ", channels_, " channels.");
  base_ = base;
  upsampler_->start_from_zero();
}

void ImplicitFit::set_lr(double lr) { optimizer().lr = lr; }
void ImplicitFit::set_coarse(bool coarse) {
  coarse_ = coarse;
  if (!coarse || half_image_.size() > 0) return;
  half_image_ = adaptive_avg_pool(image_, image_.dim(1) / 2, image_.dim(2) / 2);
  half_signals_ = upsampler_->signals_of(half_image_);
  if (base_.size() > 0) half_base_ = adaptive_avg_pool(base_, image_.dim(1) / 2, image_.dim(2) / 2);
}

Optimizer& ImplicitFit::optimizer() {
  if (!optimizer_) optimizer_ = std::make_unique<Adam>(Adam::Kind::nadam, parameters(), options_.lr);
  return *optimizer_;
}

void ImplicitFit::save_optimizer(std::map<std::string, Tensor>& tensors, const std::string& prefix) {
  optimizer().save(tensors, prefix);
}
void ImplicitFit::load_optimizer(const Weights& weights, const std::string& prefix) {
  optimizer().load(weights, prefix);
}

double ImplicitFit::step(const std::vector<const JitteredView*>& views) {
  optimizer().zero_grad();
  Tape tape;
  const Var value = loss(views);
  backward(value);
  optimizer().step();
  return static_cast<double>(value.value.item());
}

Tensor ImplicitFit::map() const {
  const NoRecording inference;
  return map_of().value;
}

}  // namespace fu
