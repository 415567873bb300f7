// The network's part of a fit: its steps, its best state, and all that is needed to go on later with the same bits.
#pragma once

#include "featup/fit/fit_options.h"
#include "featup/fit/fitted_map.h"
#include "featup/published/implicit_fit.h"

namespace fu {

/// A fit of the implicit network under way.
class NetworkRun {
 public:
  /// image (1,H,W,3); views of `channels`; options for this photo, see FitOptions::for_photo().
  NetworkRun(const Tensor& image, Index channels, const FitOptions& options);

  /// From now on the network's map is added to this one (1,H,W,C), and begins as zeros.
  void set_base(const Tensor& base) { network_.set_base(base); }
  /// Goes on from where a file's fit stopped; settings["path"] names the file. throws FileError.
  void resume(const FittedMap& fit);

  /// One step on views drawn from these. throws UsageError if it diverges.
  void step(const std::vector<JitteredView>& views);
  /// Steps so far.
  Index steps() const { return step_; }
  /// Running mean of the steps' losses.
  double loss() const { return loss_; }
  /// Whether the state is to be judged after this step.
  bool judged_now() const;
  /// The network's map at the image's own size, and the base: (1,H,W,C).
  Tensor map() const { return network_.map(); }

  /// The state of now is the best so far.
  void keep();
  /// Whether it is long since a state was the best.
  bool settled() const;
  /// The best state's tensors, by their published names; empty before the first keep().
  const std::map<std::string, Tensor>& best() const { return best_; }

  /// All that resume() reads.
  void save(std::map<std::string, Tensor>& tensors);

 private:
  FitOptions options_;
  Random init_, draws_;
  ImplicitFit network_;
  std::map<std::string, Tensor> best_;
  Index step_ = 0, best_step_ = 0;
  double loss_ = 0;
};

}  // namespace fu
