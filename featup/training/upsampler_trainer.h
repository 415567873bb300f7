// The training steps of an upsampler, whatever its kind. A step draws views of every photo of a batch, runs the
// backbone on them, sums the gradients of UpsamplerObjective's loss, and updates the parameters by NAdam.
#pragma once

#include "featup/measure/views.h"
#include "featup/training/upsampler_objective.h"
#include "layers/optimizer.h"

namespace fu {

/// What is trained, and what a step looks at.
struct UpsamplerTrainerOptions {
  UpsamplerObjectiveOptions objective;
  // For the loss on views.
  Index jitters = 5;   // views of each image
  Index max_pad = 20;  // by which a jitter shifts at most, pixels
  double max_zoom = 2;
  // For the loss on crops.
  Index crops = 4, crop_zoom = 2;  // of each photo, and how many times as fine as the image they are
  bool norm = false;               // layer norm of every position's features, as most published stacks have it
  std::uint64_t seed = 0;          // of everything random
};

/// A training under way.
/// @code
/// const std::unique_ptr<Backbone> backbone = open_backbone("builtin");
/// const FeatureFunction features = [&](const Tensor& images) { return backbone->features(images); };
/// UpsamplerTrainer trainer(features, backbone->channels(), {});
/// Random random(1);
/// const double loss = trainer.step({random.uniform({1, 64, 64, 3}, -1, 1)});  // a batch of one normalised photo
/// write_safetensors("upsampler.safetensors", trainer.upsampler());            // open_upsampler() reads it
/// assert(std::isfinite(loss) && trainer.steps() == 1);
/// @endcode
class UpsamplerTrainer {
 public:
  /// channels: of the backbone's features. Parameters are drawn from the seed. throws UsageError for a kind that there
  /// is not.
  UpsamplerTrainer(const FeatureFunction& backbone, Index channels, const UpsamplerTrainerOptions& options);

  /// Sides of the photos that a step takes, over sides of the image that the upsampler sees: 1, or for the loss on
  /// crops their zoom.
  Index photo_scale() const { return options_.objective.loss == TrainingLoss::crops ? options_.crop_zoom : 1; }
  /// The image of a photo: its pixels averaged where photo_scale() is above 1.
  Tensor image_of(const Tensor& photo) const;

  /// One step on a batch of photos (1,H,W,3), H and W multiples of photo_scale(). They are processed one after another,
  /// so memory does not grow with the batch. Returns the mean loss. All random numbers are functions of the seed, the
  /// number of the step and the image's place in the batch.
  double step(const std::vector<Tensor>& photos);
  /// The same in two halves, so that several processes can share a batch of `batch` photos. accumulate() gives the loss
  /// and the gradients of the photos from place `first` on, as parts of the batch's mean.
  double accumulate(const std::vector<Tensor>& photos, Index first, Index batch);
  /// The second half: updates the parameters by the sums. Several processes add theirs first.
  void finish_step();
  /// What accumulate() left for finish_step(): of each parameter that is learned, how many photos gave it a gradient,
  /// and the sum of these. In double, so that the sums, rounded to float, do not depend on who added which photos, but
  /// for a last bit in rare cases.
  std::vector<double>& gradient_sums() { return gradient_sums_; }
  /// Of the next steps.
  void set_lr(double lr) { optimizer_.lr = lr; }
  Index steps() const { return optimizer_.steps(); }

  /// The backbone's features, through the layer norm if the options have it.
  Tensor features(const Tensor& images) const;
  /// What is learned, and its loss.
  UpsamplerObjective& objective() { return objective_; }

  /// A file that open_upsampler() reads: the upsampler with the names of its published files, and of a stack the
  /// numbers of its filter and smoothing if there are any.
  std::map<std::string, Tensor> upsampler();
  /// Adds all that resuming needs. Names begin with "training.".
  void save(std::map<std::string, Tensor>& tensors);
  /// Throws FileError if something is missing or of another shape.
  void load(const Weights& weights);

 private:
  /// An image of a photo, and views of it: jittered, or crops of the photo. Reads the backbone's features of all.
  UpsamplerExample example(const Tensor& photo, Random& random) const;
  std::vector<Parameter*> learned();
  void add_gradients();

  FeatureFunction backbone_;
  Index channels_;
  UpsamplerTrainerOptions options_;
  Random init_;
  UpsamplerObjective objective_;
  Adam optimizer_;
  std::vector<double> gradient_sums_;
};

}  // namespace fu
