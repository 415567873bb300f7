#include "featup/fit/fit_run.h"

#include <algorithm>
#include <cmath>

#include "featup/measure/views.h"

namespace fu {

namespace {

constexpr Index kPcaViews = 50;   // that principal components are fitted to, as published
constexpr Index kGridCheck = 20;  // views between two looks at the held-out ones
constexpr Index kStepCheck = 25;  // steps
constexpr Index kPatience = 8;    // looks without a better one
constexpr int kGridIterations = 10;
constexpr double kPi = 3.14159265358979323846;
constexpr Index kKept = 40;  // views that the uncertainty is learned from

}  // namespace

FitRun::FitRun(const Image& photo, const FeatureFunction& features, const FitOptions& options)
    : photo_(photo),
      image_(normalize(photo)),
      features_(features),
      options_(options),
      jitters_(options.seed, 1),
      draws_(options.seed, 2) {
  require<UsageError>(static_cast<bool>(features),
                      "[fit] looks at the photo many times, so it needs a backbone; features from a file are one look. "
                      "Give a backbone.");
  low_ = features_(image_);
  const auto finite = [](const Tensor& x) {
    return std::all_of(x.data(), x.data() + x.size(), [](real v) { return std::isfinite(v); });
  };
  require<FileError>(finite(low_),
                     "the backbone's features of this photo are not finite numbers, so nothing can be fitted to them.");
  options_ = options.for_photo({photo.height, photo.width}, low_.dim(3));
}

double FitRun::fraction() const {
  // In units of one view; a step of the network costs about ten.
  const double steps = 10 * static_cast<double>(options_.steps), views = static_cast<double>(options_.views),
               held = static_cast<double>(options_.held_out);
  const double done = static_cast<double>(held_.size()) +
                      static_cast<double>(stage_ == Stage::done ? options_.views : static_cast<Index>(views_.size())) +
                      10 * static_cast<double>(step_);
  return std::min(1.0, done / (held + views + steps));
}

const char* FitRun::stage() const {
  return stage_ == Stage::held_out || stage_ == Stage::views ? "views" : stage_ == Stage::network ? "network" : "done";
}

bool FitRun::work() {
  switch (stage_) {
    case Stage::held_out: {
      // A stream of its own, so that their number changes nothing else; the protocol of `eval views`.
      Random random(options_.seed, 0x68656c64 + held_.size());
      const Jitter jitter = draw_jitter(random, image_.dim(1), image_.dim(2), std::min<Index>(20, options_.max_pad), 2);
      held_.push_back({jitter, features_(apply_jitter(image_, jitter))});
      if (static_cast<Index>(held_.size()) < options_.held_out) return true;
      const Index c = low_.dim(3);
      std::vector<double> mean(static_cast<std::size_t>(c));
      const double cells = static_cast<double>(low_.size() / c) * static_cast<double>(held_.size());
      for (const ImplicitView& v : held_)
        for (Index i = 0; i < v.features.size(); ++i)
          mean[static_cast<std::size_t>(i % c)] += static_cast<double>(v.features.data()[i]) / cells;
      for (const ImplicitView& v : held_)
        for (Index i = 0; i < v.features.size(); ++i) {
          const double off = static_cast<double>(v.features.data()[i]) - mean[static_cast<std::size_t>(i % c)];
          held_variance_ += off * off;
        }
      bilinear_ = explained_by(low_);
      stage_ = Stage::views;
      return true;
    }
    case Stage::views: {
      add_view();
      const bool last = views() >= options_.views;
      if (options_.grid && views() >= (options_.pca > 0 ? std::min(kPcaViews, options_.views) : 1) &&
          (last || views() % kGridCheck == 0))
        check_grid();
      // Twice in a row a gain of less than a thousandth over three checks before: more views will not help.
      const std::size_t n = grid_checks_.size();
      const bool settled = options_.early_stop && options_.steps == 0 && n > 4 &&
                           grid_checks_[n - 1] < grid_checks_[n - 4] + 1e-3 &&
                           grid_checks_[n - 2] < grid_checks_[n - 5] + 1e-3;
      if (!last && !settled) return true;
      if (options_.steps > 0)
        begin_network();
      else
        stage_ = Stage::done;
      return stage_ != Stage::done;
    }
    case Stage::network: {
      train_step();
      const bool settled = options_.early_stop && step_ - best_step_ >= kPatience * kStepCheck;
      if (step_ >= options_.steps || settled) stage_ = Stage::done;
      return stage_ != Stage::done;
    }
    case Stage::done: return false;
  }
  return false;
}

void FitRun::add_view() {
  const Jitter jitter = draw_jitter(jitters_, image_.dim(1), image_.dim(2), options_.max_pad, options_.max_zoom);
  views_.push_back({jitter, project(features_(apply_jitter(image_, jitter)))});
  const Index n = views();
  if (options_.pca > 0 && pca_.components.size() == 0 && n == std::min(kPcaViews, options_.views)) {
    std::vector<Tensor> all;
    for (const ImplicitView& v : views_) all.push_back(v.features);
    pca_ = fit_pca(concat(all, 0), options_.pca);
    for (ImplicitView& v : views_) v.features = project(v.features);
    for (ImplicitView& v : held_) {
      // What the components leave out is lost to any fit: a constant part of the error.
      const Tensor kept = project(v.features), off = v.features - pca_.unproject(kept);
      held_lost_ += static_cast<double>(sum(unary(Unary::square, off)).item());
      v.features = kept;
    }
  } else if (options_.pca > 0 && pca_.components.size() == 0) {
    return;
  }
  if (!options_.grid) return;
  if (!system_) {
    const Tensor photo = denormalize(image_);
    const Index k = views_[0].features.dim(3);
    system_ = std::make_unique<GridSystem>(photo, k, options_.grid_options);
    held_system_ = std::make_unique<GridSystem>(photo, k, options_.grid_options);
    for (const ImplicitView& v : held_) held_system_->add(v.jitter, v.features);
  }
  // Those that waited for the components too.
  for (Index i = system_->views(); i < n; ++i)
    system_->add(views_[static_cast<std::size_t>(i)].jitter, views_[static_cast<std::size_t>(i)].features);
  // The equations hold all that a grid needs; some views are kept for the uncertainty.
  for (Index i = 0; options_.steps == 0 && i < n - kKept; ++i) views_[static_cast<std::size_t>(i)].features = Tensor();
}

void FitRun::check_grid() {
  grid_ = system_->solve(grid_, kGridIterations);
  loss_ = system_->error(grid_);
  const double cells = static_cast<double>(held_.size()) * static_cast<double>(held_[0].features.size());
  const double explained =
      held_variance_ > 0 ? 1 - (held_system_->error(grid_) * cells + held_lost_) / held_variance_ : 0;
  grid_checks_.push_back(explained);
  keep_if_better(explained);
  note(loss_, explained);
}

void FitRun::begin_network() {
  Random random(options_.seed, 3);
  network_ = std::make_unique<ImplicitFit>(image_, views_[0].features.dim(3), options_.network, &random);
  if (options_.grid) network_->set_base(system_->map(best_grid_));
  if (resumed_) {
    const std::string path = resumed_->settings["path"];
    const Weights file(path);
    network_->load(file, "resume.");
    network_->load_optimizer(file, "resume.optimizer.");
    const Tensor state = file.read("resume.state", {5});
    for (Index i = 0; i < 4; ++i)
      require<FileError>(state.data()[i] >= 0 && state.data()[i] < real(1e7), path, ": its resume.state is not one.");
    step_ = static_cast<Index>(state.data()[0]), best_step_ = static_cast<Index>(state.data()[1]);
    draws_.seek(static_cast<std::uint64_t>(state.data()[2]) * (1 << 20) + static_cast<std::uint64_t>(state.data()[3]));
    recent_loss_ = static_cast<double>(state.data()[4]);
    best_ = std::strtod(resumed_->settings["explained"].c_str(), nullptr);
    for (const auto& [name, tensor] : resumed_->extra)
      if (name.rfind("downsampler.", 0) == 0 || name.rfind("scale_net.", 0) == 0) best_network_[name] = tensor;
    if (resumed_->network) resumed_->network->save(best_network_, "upsampler.");
    if (resumed_->extra.count("history")) {
      const Tensor& h = resumed_->extra.at("history");
      require<FileError>(h.rank() == 2 && h.dim(1) == 4, path, ": its history has the shape ", h.shape(), ".");
      history_.assign(h.data(), h.data() + h.size());
    }
  }
  stage_ = step_ < options_.steps ? Stage::network : Stage::done;
}

void FitRun::train_step() {
  std::vector<const ImplicitView*> drawn;
  for (Index i = 0; i < options_.views_per_step; ++i)
    drawn.push_back(&views_[static_cast<std::size_t>(draws_.below(views()))]);
  network_->train(draws_);
  if (options_.lr_schedule == "cosine")
    network_->set_lr(options_.network.lr *
                     (0.5 + 0.5 * std::cos(kPi * static_cast<double>(step_) / static_cast<double>(options_.steps))));
  network_->set_coarse(step_ < options_.coarse_steps);
  const double loss = network_->step(drawn);
  require<UsageError>(std::isfinite(loss), "the loss is no finite number at step ", step_ + 1,
                      ": the fit has diverged. Give a smaller learning rate.");
  network_->eval();
  network_->set_coarse(false);
  recent_loss_ = step_ == 0 ? loss : 0.9 * recent_loss_ + 0.1 * loss;
  loss_ = recent_loss_;
  ++step_;
  if (step_ % kStepCheck != 0 && step_ < options_.steps) return;
  const double explained = explained_by(network_->map());
  keep_if_better(explained);
  note(loss_, explained);
}

void FitRun::keep_if_better(double explained) {
  // As published, the last state counts.
  if (!(explained > best_) && options_.early_stop) return;
  best_ = explained, best_loss_ = loss_, best_step_ = step_;
  if (network_) {
    best_network_.clear();
    network_->save(best_network_);
    for (auto& [name, tensor] : best_network_) tensor = tensor.clone();
  } else {
    best_grid_ = grid_;
  }
}

Tensor FitRun::off(const Tensor& map, const ImplicitView& v) const {
  return predict_view(map, v.jitter, image_.dim(1), image_.dim(2), v.features.dim(1), v.features.dim(2)) - v.features;
}

double FitRun::explained_by(const Tensor& x) const {
  if (!(held_variance_ > 0)) return 0;
  double error = held_lost_;
  for (const ImplicitView& v : held_) error += static_cast<double>(sum(unary(Unary::square, off(x, v))).item());
  return 1 - error / held_variance_;
}

bool FitRun::ready() const {
  if (resumed_ && !network_) return false;  // what was resumed is worth more
  const bool components = options_.pca == 0 || pca_.components.size() > 0;
  return !views_.empty() && components && (options_.grid || (network_ && step_ > 0));
}

void FitRun::note(double loss, double explained) {
  for (double v : {static_cast<double>(views()), static_cast<double>(step_), loss, explained})
    history_.push_back(static_cast<real>(v));
}

void FitRun::resume(const FittedMap& fit) {
  require<UsageError>(stage_ == Stage::held_out && held_.empty(), "[fit] resume comes before the work.");
  const auto path = fit.settings.find("path");
  const std::string name = path == fit.settings.end() ? std::string("the file") : path->second;
  require<FileError>(fit.photo.rgb == photo_.rgb && fit.photo.height == photo_.height, name,
                     ": is a fit of another photo, or of another size of it.");
  require<FileError>(fit.low.shape() == low_.shape(), name, ": is a fit of features ", fit.low.shape(),
                     "; this backbone gives ", low_.shape(), ".");
  require<FileError>(std::equal(low_.data(), low_.data() + low_.size(), fit.low.data()), name,
                     ": is a fit of other features. Give its backbone.");
  if (!fit.extra.count("resume.state")) return;  // a grid: its views are looked at again
  require<UsageError>(
      options_.steps > 0, name,
      ": holds a network under way; say how many steps it shall have, or give the options it was made with.");
  const auto made = fit.settings.find("fingerprint");
  const std::string before = made == fit.settings.end() ? "" : made->second, now = fingerprint(options_);
  require<UsageError>(before.find('=') != std::string::npos, name,
                      ": was begun by an earlier version, which kept its settings in another form, so it cannot be "
                      "resumed. Fit the photo again, or finish it with the version that began it.");
  require<UsageError>(before == now, name, ": was made with other options: ", fingerprint_difference(before, now),
                      ". Give those it was made with.");
  resumed_ = std::make_unique<FittedMap>(fit);
}

/// How well the grid foretells a position's features is learned as FeatUp's uncertainty: s = exp(net(features) + 0.1).
void FitRun::fit_uncertainty() {
  const Tensor map = system_->map(best_grid_);
  std::vector<Tensor> said, squared;
  for (std::size_t i = 0; i < std::min<std::size_t>(views_.size(), kKept); ++i) {
    const ImplicitView& v = views_[views_.size() - 1 - i];
    said.push_back(v.features);
    squared.push_back(mean(unary(Unary::square, off(map, v)), -1));
  }
  const Tensor x = concat(said, 0), error = concat(squared, 0);
  Random random(options_.seed, 4);
  ScaleNet net(x.dim(3), &random);
  for (Parameter* p : net.parameters()) p->set(unary(Unary::affine, p->value, real(0.1)));
  Adam optimizer(Adam::Kind::adam, net.parameters(), 1e-2);
  for (int step = 0; step < 150; ++step) {
    optimizer.zero_grad();
    Tape tape;
    const Var s = net(x);
    const Var loss = mean(Var(error) / affine(square(s), 2) + log(s));
    backward(loss);
    optimizer.step();
  }
  net.save(best_network_, "scale_net.");
}

FittedMap FitRun::result() {
  require<UsageError>(!views_.empty(), "the fit was stopped before its first view: there is nothing to keep.");
  require<UsageError>(!resumed_ || network_,
                      "the fit was stopped while its views were made again: what it was resumed from is as it was.");
  const bool whole = options_.pca == 0 || pca_.components.size() > 0;
  require<UsageError>(whole,
                      "the fit was stopped before its principal components were known: there is nothing to keep.");
  if (options_.grid && (best_grid_.size() == 0 || (!network_ && views() % kGridCheck != 0))) check_grid();
  require<UsageError>(options_.grid || network_,
                      "the fit was stopped before the network's first step: there is nothing to keep.");
  if (network_ && best_network_.empty() && !options_.grid) keep_if_better(explained_by(network_->map()));
  FittedMap fit;
  fit.photo = photo_, fit.low = low_, fit.pca = pca_;
  if (options_.grid) fit.grid = best_grid_, fit.widths = options_.grid_options.widths;
  if (options_.grid && options_.network.uncertainty && !best_network_.count("scale_net.net.weight")) fit_uncertainty();
  bool has_network = false;
  for (const auto& [name, tensor] : best_network_) {
    has_network = has_network || name.rfind("upsampler.", 0) == 0;
    if (name.rfind("upsampler.", 0) != 0) fit.extra[name] = tensor;
  }
  if (has_network) {
    fit.network_options = options_.network.upsampler;
    fit.network = std::make_shared<ImplicitUpsampler>(fit.network_options, views_[0].features.dim(3), nullptr);
    fit.network->visit([&](const std::string& name, Parameter& p, FileLayout) {
      const Tensor& saved = best_network_.at("upsampler." + name);
      p.set(saved.reshape(p.value.shape()));
    });
  }
  if (network_) {
    std::map<std::string, Tensor> state;
    network_->save(state, "resume.");
    network_->save_optimizer(state, "resume.optimizer.");
    const std::uint64_t at = draws_.position();
    state["resume.state"] =
        Tensor::from({5}, {static_cast<real>(step_), static_cast<real>(best_step_), static_cast<real>(at >> 20),
                           static_cast<real>(at & ((1 << 20) - 1)), static_cast<real>(recent_loss_)});
    for (auto& [name, tensor] : state) fit.extra[name] = tensor.clone();
  }
  if (!history_.empty()) fit.extra["history"] = Tensor::from({static_cast<Index>(history_.size() / 4), 4}, history_);
  fit.settings["explained"] = exact_text(best_);
  fit.settings["fingerprint"] = fingerprint(options_);
  return fit;
}

}  // namespace fu
