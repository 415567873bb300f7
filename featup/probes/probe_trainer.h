// Training of a probe on frozen features. How well a linear layer does tells how much of the targets the features hold.
// source: Alain and Bengio, "Understanding intermediate layers using linear classifier probes", arXiv 1610.01644
#pragma once

#include <memory>
#include <vector>

#include "core/progress.h"
#include "featup/probes/pixel_samples.h"
#include "layers/linear.h"
#include "layers/optimizer.h"

namespace fu {

/// A probe under way. Features are standardised channel by channel, numbers output by output, and the standardisation
/// is folded into the weights of the result. Loss: cross entropy of classes; mean squared error of numbers. The same
/// samples, options and streams give the same bits, also when a training is saved and goes on in another process.
class ProbeTrainer {
 public:
  /// samples: must outlive this. shuffles: the stream that orders the samples anew in each epoch. throws UsageError if
  /// an option is not positive, or there are no samples.
  ProbeTrainer(const PixelSamples& samples, ChosenSamples chosen, const ProbeOptions& options, const Random& shuffles);

  /// Steps of one epoch.
  Index steps_of_epoch() const;
  Index steps() const { return steps_; }
  /// Takes the next step; a new epoch begins by itself. Returns its loss.
  double step();
  /// Takes steps until `epochs` are done.
  void run(Index epochs, const Progress& progress = {});
  /// The probe as it is now, without names: for features as they are.
  Probe probe() const;

  /// Adds all that resuming needs: "layers.*", "adam.*", "steps".
  void save(std::map<std::string, Tensor>& tensors);
  /// Goes on from a saved state of the same samples and options. throws FileError.
  void load(const Weights& weights);

 private:
  struct Layers : Module {
    std::unique_ptr<Linear> hidden, output;
  };
  void shuffle();

  const PixelSamples& samples_;
  ChosenSamples chosen_;
  ProbeOptions options_;
  Random shuffles_;
  Standardization features_;
  std::unique_ptr<Standardization> targets_;  // of numbers
  Layers layers_;
  std::unique_ptr<Adam> adam_;
  Index steps_ = 0;
};

/// Random numbers of a training: draws pixels, then orders them; and the first weights.
Random probe_draws(std::uint64_t seed);

/// Trains on photos in memory for all of options.epochs.
///   progress: the share of steps done; may be empty.
/// cost: epochs * photos * pixels * C * outputs * 3 multiply-adds. throws ShapeError if features and targets do not
/// fit, UsageError if no pixel is known or an option is not positive.
Probe train_probe(const std::vector<LabelledFeatures>& photos, const ProbeOptions& options,
                  const Progress& progress = {});

/// Maps side by side, as one: channels of the first, then of the second, ...
ChannelMap joined(const std::vector<ChannelMap>& maps);

}  // namespace fu
