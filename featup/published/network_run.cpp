#include "featup/published/network_run.h"

#include <cmath>

namespace fu {

namespace {

constexpr Index kStepCheck = 25;  // steps between two looks at the views for validation
constexpr Index kPatience = 8;    // looks without a better state, after which a fit stops
constexpr double kPi = 3.14159265358979323846;

/// Positions in a random stream do not fit into a float: they are kept as two parts.
constexpr std::uint64_t kLowPart = std::uint64_t{1} << 20;

bool begins(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

}  // namespace

NetworkRun::NetworkRun(const Tensor& image, Index channels, const FitOptions& options)
    : options_(options),
      init_(options.seed, 3),
      draws_(options.seed, 2),
      network_(image, channels, options.network, &init_) {}

void NetworkRun::resume(const FittedMap& fit) {
  const std::string& path = fit.settings.at("path");
  const Weights file(path);
  network_.load(file, "resume.");
  network_.load_optimizer(file, "resume.optimizer.");
  const Tensor& state = fit.extra.at("resume.state");  // (5), checked when it was read
  step_ = static_cast<Index>(state.data()[0]), best_step_ = static_cast<Index>(state.data()[1]);
  draws_.seek(static_cast<std::uint64_t>(state.data()[2]) * kLowPart + static_cast<std::uint64_t>(state.data()[3]));
  loss_ = static_cast<double>(state.data()[4]);
  for (const auto& [name, tensor] : fit.extra)
    if (begins(name, "downsampler.") || begins(name, "scale_net.")) best_[name] = tensor;
  if (fit.network) fit.network->save(best_, "upsampler.");
  std::map<std::string, Tensor> own;
  network_.save(own);
  for (const auto& [name, tensor] : best_)
    require<FileError>(own.count(name) > 0 && own.at(name).shape() == tensor.shape(), path, ": its best state has '",
                       name, "' ", tensor.shape(), ", which does not fit the options it was made with.");
}

void NetworkRun::step(const std::vector<JitteredView>& views) {
  std::vector<const JitteredView*> drawn;
  for (Index i = 0; i < options_.views_per_step; ++i)
    drawn.push_back(&views[usize(draws_.below(static_cast<Index>(views.size())))]);
  network_.train(draws_);
  if (options_.lr_schedule == "cosine")
    network_.set_lr(options_.network.lr *
                    (0.5 + 0.5 * std::cos(kPi * static_cast<double>(step_) / static_cast<double>(options_.steps))));
  network_.set_coarse(step_ < options_.coarse_steps);
  const double loss = network_.step(drawn);
  require<UsageError>(std::isfinite(loss), "[fit] the loss is no finite number at step ", step_ + 1,
                      ": the fit has diverged. Give a smaller learning rate.");
  network_.eval();
  network_.set_coarse(false);
  // Rounded as the file rounds it: a run that is resumed goes on from the same number.
  loss_ = static_cast<double>(static_cast<float>(step_ == 0 ? loss : 0.9 * loss_ + 0.1 * loss));
  ++step_;
}

bool NetworkRun::judged_now() const { return step_ % kStepCheck == 0 || step_ >= options_.steps; }
bool NetworkRun::settled() const { return step_ - best_step_ >= kPatience * kStepCheck; }

void NetworkRun::keep() {
  best_step_ = step_;
  best_.clear();
  network_.save(best_);
  for (auto& [name, tensor] : best_) tensor = tensor.clone();
}

void NetworkRun::save(std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> state;
  network_.save(state, "resume.");
  network_.save_optimizer(state, "resume.optimizer.");
  const std::uint64_t at = draws_.position();
  state["resume.state"] =
      Tensor::from({5}, {static_cast<real>(step_), static_cast<real>(best_step_), static_cast<real>(at / kLowPart),
                         static_cast<real>(at % kLowPart), static_cast<real>(loss_)});
  for (auto& [name, tensor] : state) tensors[name] = tensor.clone();
}

}  // namespace fu
