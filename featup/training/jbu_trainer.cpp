#include "featup/training/jbu_trainer.h"

#include <algorithm>

namespace fu {

JbuTrainer::JbuTrainer(const FeatureFunction& backbone, Index channels, const JbuTrainerOptions& o)
    : backbone_(backbone),
      channels_(channels),
      options_(o),
      init_(o.seed, 1),
      objective_(channels, o.objective, &init_),
      optimizer_(Adam::Kind::nadam, objective_.parameters(), o.objective.lr) {}

Tensor JbuTrainer::features(const Tensor& images) const {
  const Tensor x = backbone_(images);
  return options_.norm ? layer_norm(x, Tensor::full({channels_}, 1), Tensor::zeros({channels_}), real(1e-5)) : x;
}

double JbuTrainer::accumulate(const std::vector<Tensor>& images, Index first, Index batch) {
  optimizer_.zero_grad();
  double total = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    // A random stream for every image of every step, so that resuming needs no state of a generator.
    Random random(options_.seed, 2 + static_cast<std::uint64_t>(steps() * batch + first) + i);
    const Tensor& image = images[i];
    JbuExample example;
    example.image = image;
    std::vector<Tensor> views = {image};
    const Index pad = std::min(options_.max_pad, std::min(image.dim(1), image.dim(2)) - 1);
    for (Index v = 0; v < options_.jitters; ++v) {
      example.jitters.push_back(draw_jitter(random, image.dim(1), image.dim(2), pad, options_.max_zoom));
      views.push_back(apply_jitter(image, example.jitters.back()));
    }
    const Tensor all = features(concat(views, 0));
    views.clear();
    example.features = all.slice(0, 1), example.views = all.slice(1, all.dim(0));
    example.source = objective_.source(example.features, image);
    const JbuDraws draws = objective_.draw(example, random);
    objective_.train(random);
    Tape tape;
    const Var loss = affine(objective_.loss(example, draws), 1 / static_cast<real>(batch));
    total += static_cast<double>(loss.value.item());
    backward(loss);
    objective_.eval();
  }
  return total;
}

void JbuTrainer::finish_step() { optimizer_.step(); }

double JbuTrainer::step(const std::vector<Tensor>& images) {
  const double loss = accumulate(images, 0, static_cast<Index>(images.size()));
  finish_step();
  return loss;
}

std::map<std::string, Tensor> JbuTrainer::stack() {
  std::map<std::string, Tensor> tensors;
  objective_.export_to(tensors);
  if (options_.norm) {
    tensors["model.1.norm.weight"] = Tensor::full({channels_}, 1);
    tensors["model.1.norm.bias"] = Tensor::zeros({channels_});
  }
  return tensors;
}

void JbuTrainer::save(std::map<std::string, Tensor>& tensors) {
  objective_.save(tensors, "training.");
  optimizer_.save(tensors, "training.optimizer.");
}

void JbuTrainer::load(const Weights& weights) {
  objective_.load(weights, "training.");
  optimizer_.load(weights, "training.optimizer.");
}

}  // namespace fu
