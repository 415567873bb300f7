#include "featup/fit/fit_run.h"

#include <algorithm>
#include <cmath>

#include "core/number_text.h"
#include "core/ops.h"
#include "featup/fit/uncertainty.h"

namespace fu {

namespace {

constexpr Index kPcaViews = 50;          // that principal components are fitted to, as published
constexpr Index kGridCheck = 20;         // views between two looks at the held-out ones
constexpr Index kUncertaintyViews = 40;  // that the uncertainty is learned from
// Jitters of the held-out views, as `eval views` draws them.
constexpr Index kHeldOutPad = 20;  // pixels
constexpr double kHeldOutZoom = 2;

bool finite(const Tensor& x) {
  return std::all_of(x.data(), x.data() + x.size(), [](real v) { return std::isfinite(v); });
}

}  // namespace

FitRun::FitRun(const Image& photo, const FeatureFunction& features, const FitOptions& options)
    : photo_(photo),
      image_(normalize(photo)),
      features_(features),
      jitters_(options.seed, 1),
      held_out_({photo.height, photo.width}) {
  require<UsageError>(static_cast<bool>(features),
                      "[fit] looks at the photo many times, so it needs a backbone; features from a file are one look. "
                      "Give a backbone.");
  low_ = features_(image_);
  require<FileError>(finite(low_),
                     "the backbone's features of this photo are not finite numbers, so nothing can be fitted to them.");
  options_ = options.for_photo({photo.height, photo.width}, low_.dim(3));
}

double FitRun::fraction() const {
  // In units of one view; a step of the network costs about ten.
  const double all = static_cast<double>(options_.held_out) + static_cast<double>(options_.views) +
                     10 * static_cast<double>(options_.steps);
  const double done = static_cast<double>(held_out_.count()) +
                      static_cast<double>(stage_ == Stage::done ? options_.views : views()) +
                      10 * static_cast<double>(steps());
  return std::min(1.0, done / all);
}

const char* FitRun::stage() const {
  return stage_ == Stage::held_out || stage_ == Stage::views ? "views" : stage_ == Stage::network ? "network" : "done";
}

bool FitRun::work() {
  switch (stage_) {
    case Stage::held_out: hold_out_view(); break;
    case Stage::views: {
      add_view();
      const bool last = views() >= options_.views;
      if (grid_ && (last || views() % kGridCheck == 0)) judge_grid();
      const bool settled = options_.early_stop && options_.steps == 0 && grid_ && grid_->settled();
      if (!last && !settled) break;
      if (options_.steps > 0)
        begin_network();
      else
        stage_ = Stage::done;
      break;
    }
    case Stage::network:
      network_->step(views_);
      loss_ = network_->loss();
      if (network_->judged_now()) judge_network();
      if (steps() >= options_.steps || (options_.early_stop && network_->settled())) stage_ = Stage::done;
      break;
    case Stage::done: break;
  }
  return stage_ != Stage::done;
}

JitteredView FitRun::look(Random& random, Index max_pad, double max_zoom) const {
  const Jitter jitter = draw_jitter(random, image_.dim(1), image_.dim(2), max_pad, max_zoom);
  return {jitter, features_(apply_jitter(image_, jitter))};
}

void FitRun::hold_out_view() {
  // A random stream for each, so that their number changes nothing else.
  Random random(options_.seed, 0x68656c64 + static_cast<std::uint64_t>(held_out_.count()));
  held_out_.add(look(random, std::min(kHeldOutPad, options_.max_pad), kHeldOutZoom));
  if (held_out_.count() < options_.held_out) return;
  held_out_.measure_variance();
  bilinear_ = held_out_.explained_by(low_);
  stage_ = Stage::views;
}

void FitRun::add_view() {
  JitteredView view = look(jitters_, options_.max_pad, options_.max_zoom);
  if (pca_.components.size() > 0) view.features = pca_.project(view.features);
  views_.push_back(view);
  if (!components_known()) {
    if (views() < std::min(kPcaViews, options_.views)) return;
    fit_components();
  }
  if (options_.grid) give_to_grid();
}

void FitRun::fit_components() {
  std::vector<Tensor> all;
  for (const JitteredView& v : views_) all.push_back(v.features);
  pca_ = fit_pca(concat(all, 0), options_.pca);
  for (JitteredView& v : views_) v.features = pca_.project(v.features);
  held_out_.project(pca_);
}

void FitRun::give_to_grid() {
  if (!grid_)
    grid_ = std::make_unique<GridFit>(denormalize(image_), views_[0].features.dim(3), options_.grid_options, held_out_);
  // Those that waited for the components too.
  for (Index i = grid_->views(); i < views(); ++i) grid_->add(views_[usize(i)]);
  // The equations hold all that a grid needs; some views are kept for the uncertainty.
  for (Index i = 0; options_.steps == 0 && i < views() - kUncertaintyViews; ++i) views_[usize(i)].features = Tensor();
}

void FitRun::judge_grid() {
  const double explained = grid_->solve();
  loss_ = grid_->loss();
  keep_if_better(explained);
  add_to_history(explained);
}

void FitRun::judge_network() {
  const double explained = held_out_.explained_by(network_->map());
  keep_if_better(explained);
  add_to_history(explained);
}

void FitRun::add_to_history(double explained) {
  for (double v : {static_cast<double>(views()), static_cast<double>(steps()), loss_, explained})
    history_.push_back(static_cast<real>(v));
}

void FitRun::keep_if_better(double explained) {
  // As published, the last state counts.
  if (!(explained > best_) && options_.early_stop) return;
  best_ = explained, best_loss_ = loss_;
  if (network_)
    network_->keep();
  else
    best_grid_ = grid_->grid();
}

void FitRun::begin_network() {
  network_ = std::make_unique<NetworkRun>(image_, views_[0].features.dim(3), options_);
  if (options_.grid) network_->set_base(grid_->map(best_grid_));
  if (resumed_) {
    network_->resume(*resumed_);
    read_number(resumed_->settings["explained"], best_);
    if (resumed_->extra.count("history")) {
      const Tensor& h = resumed_->extra.at("history");  // (N,4)
      history_.assign(h.data(), h.data() + h.size());
    }
  }
  stage_ = steps() < options_.steps ? Stage::network : Stage::done;
}

bool FitRun::ready() const {
  if (resumed_ && !network_) return false;  // what was resumed is worth more
  return !views_.empty() && components_known() && (options_.grid || steps() > 0);
}

void FitRun::resume(const FittedMap& fit) {
  require<UsageError>(stage_ == Stage::held_out && held_out_.count() == 0, "[fit] resume comes before the work.");
  const auto path = fit.settings.find("path");
  const std::string name = path == fit.settings.end() ? std::string("the file") : path->second;
  require<FileError>(fit.photo.rgb == photo_.rgb && fit.photo.height == photo_.height, name,
                     ": is a fit of another photo, or of another size of it.");
  require<FileError>(fit.low.shape() == low_.shape(), name, ": is a fit of features ", fit.low.shape(),
                     "; this backbone gives ", low_.shape(), ".");
  require<FileError>(std::equal(low_.data(), low_.data() + low_.size(), fit.low.data()), name,
                     ": is a fit of other features. Give its backbone.");
  if (!fit.extra.count("resume.state")) return;  // a grid: its views are looked at again
  require<FileError>(fit.settings.count("explained") > 0, name,
                     ": does not say how well its network explained unseen views, so it cannot be resumed.");
  require<UsageError>(options_.steps > 0, name,
                      ": holds a network under way; say how many steps it shall have, as it was made.");
  const auto made = fit.settings.find("fingerprint");
  const std::string before = made == fit.settings.end() ? "" : made->second, now = fingerprint(options_);
  require<UsageError>(before.find('=') != std::string::npos, name,
                      ": was begun by an earlier version, which kept its settings in another form, so it cannot be "
                      "resumed. Fit the photo again, or finish it with the version that began it.");
  require<UsageError>(before == now, name, ": was made with other options: ", fingerprint_difference(before, now),
                      ". Give those it was made with.");
  resumed_ = std::make_unique<FittedMap>(fit);
}

FittedMap FitRun::result() {
  require<UsageError>(!views_.empty(), "the fit was stopped before its first view: there is nothing to keep.");
  require<UsageError>(!resumed_ || network_,
                      "the fit was stopped while its views were made again: what it was resumed from is as it was.");
  require<UsageError>(components_known(),
                      "the fit was stopped before its principal components were known: there is nothing to keep.");
  if (options_.grid && (best_grid_.size() == 0 || (!network_ && views() % kGridCheck != 0))) judge_grid();
  require<UsageError>(options_.grid || network_,
                      "the fit was stopped before the network's first step: there is nothing to keep.");
  if (network_ && network_->best().empty() && !options_.grid) keep_if_better(held_out_.explained_by(network_->map()));
  FittedMap fit;
  fit.photo = photo_, fit.low = low_, fit.pca = pca_;
  if (options_.grid) fit.grid = best_grid_, fit.widths = options_.grid_options.widths;
  if (network_) add_network(fit);
  if (options_.grid && options_.network.uncertainty && !fit.extra.count("scale_net.net.weight")) add_uncertainty(fit);
  if (!history_.empty()) fit.extra["history"] = Tensor::from({static_cast<Index>(history_.size() / 4), 4}, history_);
  fit.settings["explained"] = field_text(best_);
  fit.settings["fingerprint"] = fingerprint(options_);
  return fit;
}

void FitRun::add_network(FittedMap& fit) const {
  const std::map<std::string, Tensor>& best = network_->best();
  for (const auto& [name, tensor] : best)
    if (name.rfind("upsampler.", 0) != 0) fit.extra[name] = tensor;
  const auto first = best.lower_bound("upsampler.");  // none if no step was better than the grid alone
  if (first != best.end() && first->first.rfind("upsampler.", 0) == 0) {
    fit.network_options = options_.network.upsampler;
    fit.network = std::make_shared<ImplicitNetwork>(fit.network_options, views_[0].features.dim(3), nullptr);
    fit.network->visit([&](const std::string& name, Parameter& p, FileLayout) {
      p.set(best.at("upsampler." + name).reshape(p.value.shape()));
    });
  }
  network_->save(fit.extra);
}

/// How well the grid predicts a position's features, learned from the last views.
void FitRun::add_uncertainty(FittedMap& fit) const {
  const Tensor map = grid_->map(best_grid_);
  std::vector<Tensor> targets, errors;
  for (Index i = views(); i-- > std::max<Index>(0, views() - kUncertaintyViews);) {
    const JitteredView& v = views_[usize(i)];
    targets.push_back(v.features);
    errors.push_back(mean(unary(Unary::square, view_residual(map, v, {photo_.height, photo_.width})), -1));
  }
  for (const auto& [name, tensor] : fit_uncertainty(targets, errors, options_.seed)) fit.extra[name] = tensor;
}

}  // namespace fu
