// Reference cases of optimizers, and of whole trainings: the loss of each step, and the parameters at the end.
#include <algorithm>
#include <cmath>

#include "featup/photo/jitter.h"
#include "featup/published/implicit_fit.h"
#include "featup/training/upsampler_objective.h"
#include "layers/optimizer.h"
#include "tools/lab/golden_case.h"

namespace fu {

namespace {

/// Ten steps of an optimizer on given gradients.
void run_optimizer(Case& c) {
  const std::string kind = c.attrs.at("kind");
  AdamOptions o;
  o.beta1 = c.fraction("beta1"), o.beta2 = c.fraction("beta2"), o.eps = c.fraction("eps"),
  o.weight_decay = c.fraction("weight_decay");
  Parameter p(c.constant("p"));
  Adam optimizer(kind == "adam"    ? Adam::Kind::adam
                 : kind == "adamw" ? Adam::Kind::adamw
                                   : Adam::Kind::nadam,
                 {&p}, c.fraction("lr"), o);
  require<UsageError>(kind == "adam" || kind == "adamw" || kind == "nadam", "no such optimizer: ", kind);
  const Tensor gradients = c.constant("grads");
  std::vector<Tensor> trajectory;
  for (Index step = 0; step < gradients.dim(0); ++step) {
    p.grad = gradients.slice(step, step + 1).reshape(p.value.shape());
    optimizer.step();
    trajectory.push_back(p.value.reshape(gradients.slice(0, 1).shape()).clone());
  }
  c.check("trajectory", concat(trajectory, 0));
  c.result.tolerance = 1e-5;
}

/// A jitter of a recorded training, from a row of zoom, top, left, flip.
Jitter recorded_jitter(const real* row, Index max_pad) {
  return {max_pad, static_cast<double>(row[0]), static_cast<Index>(std::lround(row[1])),
          static_cast<Index>(std::lround(row[2])), row[3] > real(0.5)};
}

using TrainedModules = std::vector<std::pair<const char*, Module*>>;

/// Loads the parameters that a recorded training began with, and returns them in order.
std::vector<Parameter*> load_all(const Case& c, const TrainedModules& modules) {
  const ParamFile file(c, "");
  const Weights weights(file.path);
  std::vector<Parameter*> parameters;
  for (const auto& [prefix, module] : modules) {
    module->load(weights, prefix);
    for (Parameter* p : module->parameters()) parameters.push_back(p);
  }
  return parameters;
}

/// Compares a training with the recorded one: losses to 1e-4, parameters at the end to 1e-3.
void check_training(Case& c, const std::vector<double>& losses, const TrainedModules& modules) {
  Tensor actual({static_cast<Index>(losses.size())});
  for (std::size_t i = 0; i < losses.size(); ++i) actual.data()[i] = static_cast<real>(losses[i]);
  c.check("losses", actual);
  double worst = 0;
  for (const auto& [prefix, module] : modules) {
    std::map<std::string, Tensor> tensors;
    module->save(tensors, prefix);
    for (const auto& [name, tensor] : tensors) {
      const double error = largest_error(tensor, c.file.read("out." + name));
      if (error > 1e-3) c.result.detail += name + " " + std::to_string(error) + " ";
      worst = std::max(worst, error);
    }
  }
  c.result.detail += "parameters within " + std::to_string(worst);
  if (worst > 1e-3) throw ShapeError(c.result.detail);
}

/// Ten steps of fitting an implicit upsampler.
void run_trajectory_implicit(Case& c) {
  const Tensor image = c.image("image").value, targets = to_nhwc(c.constant("targets")),
               jitters = c.constant("jitters"), draws = c.constant("draws");
  ImplicitFitOptions o;
  o.upsampler.frequencies = c.number("n_freqs"), o.upsampler.color = c.attrs.at("color_feats").get<bool>(),
  o.kernel = c.number("kernel_size"), o.lr = c.fraction("lr");
  o.magnitude = c.fraction("mag_weight"), o.tv = c.fraction("mag_tv_weight"), o.blur_pin = c.fraction("blur_pin"),
  o.published_grid = true;
  ImplicitFit fit(image, targets.dim(3), o, nullptr);
  const TrainedModules modules = {{"", &fit}};
  load_all(c, modules);
  std::vector<JitteredView> views;
  for (Index v = 0; v < targets.dim(0); ++v)
    views.push_back({recorded_jitter(jitters.data() + 4 * v, c.number("max_pad")), targets.slice(v, v + 1)});
  std::vector<double> losses;
  for (Index step = 0; step < draws.dim(0); ++step) {
    std::vector<const JitteredView*> drawn;
    for (Index v : positions(draws.slice(step, step + 1))) drawn.push_back(&views[static_cast<std::size_t>(v)]);
    losses.push_back(fit.step(drawn));
  }
  check_training(c, losses, modules);
}

/// Six steps of training a JBU stack.
void run_trajectory_jbu(Case& c) {
  const Tensor image = c.image("image").value, features = to_nhwc(c.constant("lr_features")),
               jitters = c.constant("jitters");
  const Tensor crf_rows = c.constant("crf_rows"), crf_cols = c.constant("crf_cols");
  const Index channels = features.dim(3), steps = crf_rows.dim(0), views = c.number("n_jitters");
  const Tensor targets =
      to_nhwc(c.constant("targets").reshape({steps * views, channels, features.dim(1), features.dim(2)}));
  const Tensor projections = c.constant("projections").reshape({steps * views, channels, -1});
  UpsamplerObjectiveOptions o;
  o.kernel = c.number("kernel_size"), o.lr = c.fraction("lr"), o.crf = c.fraction("crf_weight"), o.published = true;
  UpsamplerObjective training(channels, o, nullptr);
  const TrainedModules modules = {{"", &training}};
  Adam nadam(Adam::Kind::nadam, load_all(c, modules), o.lr);
  std::vector<double> losses;
  for (Index step = 0; step < steps; ++step) {
    UpsamplerExample example{image, features, {}, targets.slice(step * views, (step + 1) * views)};
    UpsamplerDraws draws{{}, positions(crf_rows.slice(step, step + 1)), positions(crf_cols.slice(step, step + 1))};
    for (Index at = step * views; at < (step + 1) * views; ++at) {
      example.jitters.push_back(recorded_jitter(jitters.data() + 4 * at, c.number("max_pad")));
      draws.projections.push_back(projections.slice(at, at + 1).reshape({channels, projections.dim(2)}));
    }
    nadam.zero_grad();
    Tape tape;
    const Var loss = training.loss(example, draws);
    losses.push_back(static_cast<double>(loss.value.item()));
    backward(loss);
    nadam.step();
  }
  check_training(c, losses, modules);
}

}  // namespace

GoldenRuns golden_training() {
  return {
      {"optimizer", run_optimizer},
      {"trajectory_implicit", run_trajectory_implicit},
      {"trajectory_jbu", run_trajectory_jbu},
  };
}

}  // namespace fu
