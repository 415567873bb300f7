// A whole fit of one photo, a bit of work at a time, so that its caller can show progress, keep to a time, or stop it
// and go on another day.
//
// Views are drawn and looked at through the backbone. By default they are summed up into the normal equations of a
// learned grid (feature_grid.h), which explains unseen views far better than the published network does, in seconds.
// The published network can be fitted in its place, or on top. Some views are held out of all of it: they decide when
// to stop, and which state is the best.
#pragma once

#include "featup/backbones/feature_function.h"
#include "featup/fit/fit_options.h"
#include "featup/fit/fitted_map.h"
#include "featup/fit/grid_fit.h"
#include "featup/fit/validation_views.h"
#include "featup/published/network_run.h"

namespace fu {

/// A fit under way.
/// @code
/// const std::unique_ptr<Backbone> backbone = open_backbone("builtin");
/// const Image photo{64, 64, std::vector<unsigned char>(64 * 64 * 3, 128)};
/// FitOptions options;
/// options.views = 10, options.held_out = 2;
/// FitRun run(photo, [&](const Tensor& image) { return backbone->features(image); }, options);
/// while (run.work()) std::printf("%.0f %% %s\n", 100 * run.fraction(), run.stage());
/// run.result().save("photo.fit");
/// assert(FittedMap::load("photo.fit").channels() == backbone->channels());
/// @endcode
class FitRun {
 public:
  /// photo: as the backbone sees it. features: the backbone. throws UsageError for options that do not go together, and
  /// FileError for a backbone whose features are not finite.
  FitRun(const Image& photo, const FeatureFunction& features, const FitOptions& options);
  FitRun(const FitRun&) = delete;
  FitRun& operator=(const FitRun&) = delete;

  /// Does a bit: a view, the grid's equations, or a step of the network. False when all is done.
  bool work();
  /// Share of the work done, 0 to 1.
  double fraction() const;
  /// What is being done: "views", "network" or "done".
  const char* stage() const;

  /// Of the last judged state: the grid's mean squared error, or the running mean of the network's losses.
  double loss() const { return loss_; }
  double best_loss() const { return best_loss_; }  // of the best state so far
  /// Share of the held-out views' variance that the best state explains; see ExplainedVariance. Below -1e9 before the
  /// first state is judged.
  double explained() const { return best_; }
  /// The same of the backbone's features, enlarged bilinearly.
  double explained_bilinear() const { return bilinear_; }
  Index views() const { return static_cast<Index>(views_.size()); }
  Index steps() const { return network_ ? network_->steps() : 0; }
  /// Whether result() has something to give.
  bool ready() const;

  /// Goes on from where a file's fit of the same photo stopped; to be called before work(). Views are made again.
  /// settings["path"] names the file. throws FileError if it is a fit of something else, UsageError if it was made with
  /// other options.
  void resume(const FittedMap& fit);
  /// The best state so far, and what is needed to go on. throws UsageError if there is none yet.
  FittedMap result();

 private:
  enum class Stage { held_out, views, network, done };
  void hold_out_view();
  void add_view();
  void fit_components();
  void give_to_grid();
  void begin_network();
  void judge_grid();
  void judge_network();
  bool components_known() const { return options_.pca == 0 || pca_.components.size() > 0; }
  JitteredView look(Random& random, Index max_pad, double max_zoom) const;
  void keep_if_better(double explained);
  void add_to_history(double explained);
  void add_uncertainty(FittedMap& fit) const;
  void add_network(FittedMap& fit) const;

  Image photo_;
  Tensor image_, low_;
  FeatureFunction features_;
  FitOptions options_;
  Stage stage_ = Stage::held_out;
  Random jitters_;
  ValidationViews held_out_;
  std::vector<JitteredView> views_;  // in principal components, once there are some
  Pca pca_;
  std::unique_ptr<GridFit> grid_;
  std::unique_ptr<NetworkRun> network_;
  Tensor best_grid_;
  double bilinear_ = 0, loss_ = 0, best_loss_ = 0, best_ = -1e30;
  std::vector<real> history_;  // rows of views, steps, loss, explained variance
  std::unique_ptr<FittedMap> resumed_;
};

}  // namespace fu
