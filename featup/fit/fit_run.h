// A whole fit of one photo, a bit of work at a time, so that its caller can show progress, keep to a time, or stop it
// and go on another day.
//
// Views are drawn and looked at through the backbone. By default they are summed up into the normal equations of a
// learned grid (feature_grid.h), which explains unseen views far better than the published network does, in seconds.
// The published network can be fitted in its place, or on top. Some views are held out of all of it: what they say
// decides when to stop, and which state is the best.
#pragma once

#include "featup/backbones/feature_function.h"
#include "featup/fit/fit_options.h"
#include "featup/fit/fitted_map.h"

namespace fu {

class FitRun {
 public:
  /// photo: as the backbone sees it. features: the backbone.
  FitRun(const Image& photo, const FeatureFunction& features, const FitOptions& options);

  /// Does a bit: a view, the grid's equations, or a step. False when all is done.
  bool work();
  /// Share of the work done, and what is being done.
  double fraction() const;
  const char* stage() const;

  double loss() const {
    return loss_;
  }  // of the last look: the grid's mean squared error, or that of the network's last steps
  double best_loss() const { return best_loss_; }  // of the best state so far
  double explained() const {
    return best_;
  }  // variance of the held-out views, of the best state so far; see ExplainedVariance
  double explained_bilinear() const { return bilinear_; }
  Index views() const { return static_cast<Index>(views_.size()); }
  Index steps() const { return step_; }
  /// Whether result() has something to give.
  bool ready() const;

  /// Goes on from where a file's fit of the same photo stopped; to be called before work(). Views are made again.
  /// Throws FileError if it does not fit.
  void resume(const FittedMap& fit);
  /// The best state so far, and what is needed to go on. At least one view must be there.
  FittedMap result();

 private:
  enum class Stage { held_out, views, network, done };
  void add_view();
  void check_grid();
  void begin_network();
  void train_step();
  void keep_if_better(double explained);
  void fit_uncertainty();
  /// Of a map at the photo's size, or of low-resolution features enlarged bilinearly, which then need not exist at that
  /// size.
  double explained_by(const Tensor& x) const;
  /// What a map foretells of a view, less what the view is.
  Tensor off(const Tensor& map, const ImplicitView& v) const;
  Tensor project(const Tensor& x) const { return pca_.components.size() > 0 ? pca_.project(x) : x; }
  void note(double loss, double explained);

  Image photo_;
  Tensor image_, low_;
  FeatureFunction features_;
  FitOptions options_;
  Stage stage_ = Stage::held_out;
  Random jitters_, draws_;
  std::vector<ImplicitView> held_, views_;  // in principal components, once there are some
  double held_variance_ = 0, held_lost_ = 0, bilinear_ = 0, loss_ = 0, best_loss_ = 0, best_ = -1e30;
  Pca pca_;
  std::unique_ptr<GridSystem> system_, held_system_;
  Tensor grid_, best_grid_;
  std::vector<double> grid_checks_;
  std::unique_ptr<ImplicitFit> network_;
  std::map<std::string, Tensor> best_network_;
  Index step_ = 0, best_step_ = 0;
  double recent_loss_ = 0;
  std::vector<real> history_;  // rows of views, steps, loss, explained variance
  std::unique_ptr<FittedMap> resumed_;
};

}  // namespace fu
