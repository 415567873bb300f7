// What a training keeps beside the trainer: which photo comes when, the photos that it is judged by, and how it went so
// far.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "featup/training/upsampler_trainer.h"
#include "tools/media/image_folder.h"

namespace fu {

/// Numbers below n in an order drawn from the stream.
std::vector<Index> shuffled(Index n, Random random);

/// Which photo comes when: epoch after epoch, each in an order of its own, which follows from the seed.
class PhotoSequence {
 public:
  PhotoSequence(std::vector<Index> photos, std::uint64_t seed) : photos_(std::move(photos)), seed_(seed) {}
  /// The photo at a place of the whole training, 0 for the first.
  Index at(Index place);

 private:
  std::vector<Index> photos_, order_;
  std::uint64_t seed_;
  Index epoch_ = -1;
};

/// Photos kept aside, each with views that training does not see: they tell how good the upsampler is.
class HeldOutPhotos {
 public:
  /// Reads the chosen photos of the folder and computes the features of their views. cost: 5 passes of the backbone
  /// for each.
  HeldOutPhotos(ImageFolder& folder, const std::vector<Index>& chosen, const UpsamplerTrainer& trainer,
                std::uint64_t seed);
  /// Explained variance of the views, over all photos: by the features enlarged bilinearly, and by the
  /// upsampler.
  double explained_by_bilinear() const { return bilinear_; }
  double explained_by(const UpsamplerObjective& objective) const;

 private:
  struct Photo {
    Tensor image, features;
    HeldOutViews views;
  };
  template <class F>
  double explained(const F& map_of) const;

  std::vector<Photo> photos_;
  double bilinear_ = 0;
};

/// How a training went so far.
struct Course {
  double recent_loss = 0;           // mean of the last steps, the latest weighing most
  std::optional<double> explained;  // of the held-out views, when last judged
  std::vector<real> history;        // rows of step, loss, explained, explained by bilinear

  void add_loss(double loss) { recent_loss = recent_loss == 0 ? loss : 0.95 * recent_loss + 0.05 * loss; }
  void judge(const HeldOutPhotos& by, UpsamplerTrainer& trainer);
  /// Of a checkpoint. throws FileError.
  void load(const Weights& file);
  /// Writes one file that serves both `upsample` and --resume.
  ///   settings: what the weights follow from, as text; command: the command line, for people
  void save(const std::string& file, UpsamplerTrainer& trainer, const std::string& settings,
            const std::string& command) const;
  /// Curves of the loss and of the explained variance.
  Image picture() const;
  /// For the progress line.
  std::string text(Index step, Index steps, double bilinear, double images_per_second) const;
};

}  // namespace fu
