// The training steps of a JBU stack. A step draws jittered views of every image of a batch, runs the backbone on them,
// sums the gradients of JbuObjective's loss, and updates the parameters by NAdam.
#pragma once

#include "featup/measure/views.h"
#include "featup/training/jbu_objective.h"
#include "layers/optimizer.h"

namespace fu {

struct JbuTrainerOptions {
  JbuObjectiveOptions objective;
  Index jitters = 5;   // views of each image
  Index max_pad = 20;  // by which a jitter shifts at most, pixels
  double max_zoom = 2;
  bool norm = false;  // layer norm of every position's features, as most published stacks have it
  std::uint64_t seed = 0;
};

class JbuTrainer {
 public:
  JbuTrainer(const FeatureFunction& backbone, Index channels, const JbuTrainerOptions& options);

  /// One step on a batch of images (1,H,W,3). They are processed one after another, so memory does not grow with the
  /// batch. Returns the mean loss. All random numbers are functions of the seed, the number of the step and the image's
  /// place in the batch.
  double step(const std::vector<Tensor>& images);
  /// The same in two halves, so that several processes can share a batch of `batch` images. accumulate() gives the loss
  /// and the gradients of the images from place `first` on, as parts of the batch's mean; finish_step() updates.
  double accumulate(const std::vector<Tensor>& images, Index first, Index batch);
  void finish_step();
  void set_lr(double lr) { optimizer_.lr = lr; }
  Index steps() const { return optimizer_.steps(); }

  /// The backbone's features, through the layer norm if the options have it.
  Tensor features(const Tensor& images) const;
  JbuObjective& objective() { return objective_; }

  /// The stack with the names of published checkpoints, and the numbers of its filter and smoothing if there are any.
  std::map<std::string, Tensor> stack();
  /// Adds all that resuming needs. Names begin with "training.".
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
