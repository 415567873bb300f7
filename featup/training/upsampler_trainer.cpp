#include "featup/training/upsampler_trainer.h"

#include <algorithm>

namespace fu {

UpsamplerTrainer::UpsamplerTrainer(const FeatureFunction& backbone, Index channels, const UpsamplerTrainerOptions& o)
    : backbone_(backbone),
      channels_(channels),
      options_(o),
      init_(o.seed, 1),
      objective_(channels, o.objective, &init_),
      optimizer_(Adam::Kind::nadam, objective_.parameters(), o.objective.lr) {}

Tensor UpsamplerTrainer::features(const Tensor& images) const {
  const Tensor x = backbone_(images);
  return options_.norm ? layer_norm(x, Tensor::full({channels_}, 1), Tensor::zeros({channels_}), real(1e-5)) : x;
}

Tensor UpsamplerTrainer::image_of(const Tensor& photo) const {
  const Index scale = photo_scale();
  if (scale == 1) return photo;
  require<ShapeError>(photo.rank() == 4 && photo.dim(1) % scale == 0 && photo.dim(2) % scale == 0, "[train] photo ",
                      photo.shape(), ": must be (1,H,W,3) with H and W multiples of ", scale, ".");
  return adaptive_avg_pool(photo, photo.dim(1) / scale, photo.dim(2) / scale);
}

UpsamplerExample UpsamplerTrainer::example(const Tensor& photo, Random& random) const {
  UpsamplerExample example;
  const Tensor image = example.image = image_of(photo);
  const Index h = image.dim(1), w = image.dim(2);
  std::vector<Tensor> views = {image};
  if (options_.objective.loss == TrainingLoss::crops) {
    for (Index v = 0; v < options_.crops; ++v) {
      // A jitter without padding, which sees the part of the image that the crop shows.
      const Index top = random.below(photo.dim(1) - h + 1), left = random.below(photo.dim(2) - w + 1);
      example.jitters.push_back({0, static_cast<double>(options_.crop_zoom), top, left, false});
      views.push_back(slice(slice(photo, 1, top, top + h), 2, left, left + w));
    }
  } else {
    const Index pad = std::min(options_.max_pad, std::min(h, w) - 1);
    for (Index v = 0; v < options_.jitters; ++v) {
      example.jitters.push_back(draw_jitter(random, h, w, pad, options_.max_zoom));
      views.push_back(apply_jitter(image, example.jitters.back()));
    }
  }
  const Tensor all = features(concat(views, 0));
  example.features = all.slice(0, 1), example.views = all.slice(1, all.dim(0));
  example.source = objective_.source(example.features, image);
  return example;
}

std::vector<Parameter*> UpsamplerTrainer::learned() {
  std::vector<Parameter*> parameters = objective_.parameters();
  parameters.erase(std::remove_if(parameters.begin(), parameters.end(), [](Parameter* p) { return !p->trainable; }),
                   parameters.end());
  return parameters;
}

/// Adds the gradients of one photo to the sums.
void UpsamplerTrainer::add_gradients() {
  double* to = gradient_sums_.data();
  for (const Parameter* p : learned()) {
    const Index n = p->value.size();
    if (p->has_grad()) {
      ++*to;
      for (Index i = 0; i < n; ++i) to[1 + i] += static_cast<double>(p->grad.data()[i]);
    }
    to += 1 + n;
  }
}

double UpsamplerTrainer::accumulate(const std::vector<Tensor>& photos, Index first, Index batch) {
  Index size = 0;
  for (const Parameter* p : learned()) size += 1 + p->value.size();
  gradient_sums_.assign(usize(size), 0);
  double total = 0;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    optimizer_.zero_grad();
    // A random stream for every photo of every step, so that resuming needs no state of a generator.
    Random random(options_.seed, 2 + static_cast<std::uint64_t>(steps() * batch + first) + i);
    const UpsamplerExample seen = example(photos[i], random);
    const bool draws = options_.objective.loss == TrainingLoss::views;
    const UpsamplerDraws drawn = draws ? objective_.draw(seen, random) : UpsamplerDraws();
    objective_.train(random);
    Tape tape;
    const Var loss = affine(objective_.loss(seen, drawn), 1 / static_cast<real>(batch));
    total += static_cast<double>(loss.value.item());
    backward(loss);
    add_gradients();
    objective_.eval();
  }
  return total;
}

void UpsamplerTrainer::finish_step() {
  const double* from = gradient_sums_.data();
  for (const Parameter* p : learned()) {
    // A parameter without a gradient stays without: the optimizer leaves it alone, and counts no step of it.
    p->zero_grad();
    if (*from++ > 0) {
      p->grad = Tensor(p->value.shape());
      for (Index i = 0; i < p->value.size(); ++i) p->grad.data()[i] = static_cast<real>(from[i]);
    }
    from += p->value.size();
  }
  optimizer_.step();
}

double UpsamplerTrainer::step(const std::vector<Tensor>& photos) {
  const double loss = accumulate(photos, 0, static_cast<Index>(photos.size()));
  finish_step();
  return loss;
}

std::map<std::string, Tensor> UpsamplerTrainer::upsampler() {
  std::map<std::string, Tensor> tensors;
  objective_.export_to(tensors);
  if (options_.norm) {
    tensors["model.1.norm.weight"] = Tensor::full({channels_}, 1);
    tensors["model.1.norm.bias"] = Tensor::zeros({channels_});
  }
  return tensors;
}

void UpsamplerTrainer::save(std::map<std::string, Tensor>& tensors) {
  objective_.save(tensors, "training.");
  optimizer_.save(tensors, "training.optimizer.");
}

void UpsamplerTrainer::load(const Weights& weights) {
  objective_.load(weights, "training.");
  optimizer_.load(weights, "training.optimizer.");
}

}  // namespace fu
