// The steps of training a JBU stack: jitters are drawn, the backbone looks, gradients are summed up over a batch, and
// NAdam moves the parameters.
#pragma once

#include "featup/measure/views.h"
#include "featup/training/jbu_objective.h"
#include "layers/optimizer.h"

namespace fu {

struct JbuTrainerOptions {
  JbuObjectiveOptions objective;
  Index jitters = 5, max_pad = 20;  // looks at each image, pixels
  double max_zoom = 2;
  bool norm = false;  // layer norm of every position's features, as most published stacks have it
  std::uint64_t seed = 0;
};

class JbuTrainer {
 public:
  JbuTrainer(const FeatureFunction& backbone, Index channels, const JbuTrainerOptions& options);

  /// One step on a batch of images (1,H,W,3), one after another: memory does not grow with the batch. Returns the mean
  /// loss. Everything random is a function of the seed, the number of the step and the image's place in the batch.
  double step(const std::vector<Tensor>& images);
  /// The same in two halves, so that several programs can share a batch of `batch` images: the loss and gradients of
  /// those from place `first` on, as parts of the batch's mean, and then the step.
  double accumulate(const std::vector<Tensor>& images, Index first, Index batch);
  void finish_step();
  void set_lr(double lr) { optimizer_.lr = lr; }
  Index steps() const { return optimizer_.steps(); }

  /// Features as the stack is given them: normed if the options say so.
  Tensor features(const Tensor& images) const;
  JbuObjective& objective() { return objective_; }

  /// The stack as published checkpoints have it, with the numbers of its filter and smoothing if there are any.
  std::map<std::string, Tensor> stack();
  /// All that is needed to go on: names begin with "training.".
  void save(std::map<std::string, Tensor>& tensors);
  /// Throws FileError if something is missing or of another shape.
  void load(const Weights& weights);

 private:
  FeatureFunction backbone_;
  Index channels_;
  JbuTrainerOptions options_;
  Random init_;
  JbuObjective objective_;
  Adam optimizer_;
};

}  // namespace fu
