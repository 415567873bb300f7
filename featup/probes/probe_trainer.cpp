#include "featup/probes/probe_trainer.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "core/eigen.h"

namespace fu {

namespace {

/// A layer as a map of features that are not standardised:
/// W (x - mean) scale + b = (W scale) x + (b - W scale mean).
void fold_inputs(const Linear& layer, const Standardization& standard, Tensor& weight, Tensor& bias) {
  const Tensor& w = layer.weight.value;
  weight = w * standard.scale;
  bias = layer.bias.value -
         linear(standard.mean.reshape({1, w.dim(1)}), weight, Tensor()).reshape({layer.bias.value.dim(0)});
}

/// The same for outputs that were standardised: y / scale + mean.
void fold_outputs(const Standardization& standard, Tensor& weight, Tensor& bias) {
  const Tensor deviation = Tensor::full(standard.scale.shape(), 1) / standard.scale;
  weight = weight * deviation.reshape({deviation.dim(0), 1});
  bias = bias * deviation + standard.mean;
}

void check_options(const ChosenSamples& chosen, const ProbeOptions& o) {
  const Index least = o.kind == Probe::Kind::classes ? 2 : 1;
  require<UsageError>(o.outputs >= least && o.pixels >= 1 && o.batch >= 1 && o.epochs >= 1 && o.hidden >= 0, "[probe] ",
                      o.outputs, o.kind == Probe::Kind::classes ? " classes, " : " numbers, ", o.pixels,
                      " pixels, batch ", o.batch, ", ", o.epochs, " epochs: a probe needs ",
                      least == 2 ? "two classes" : "a number", ", and one of each other.");
  if (chosen.samples.empty()) throw_nothing_known(o);
}

}  // namespace

Random probe_draws(std::uint64_t seed) { return Random(seed, 0x70726f6265); }

ProbeTrainer::ProbeTrainer(const PixelSamples& samples, ChosenSamples chosen, const ProbeOptions& options,
                           const Random& shuffles)
    : samples_(samples),
      chosen_((check_options(chosen, options), std::move(chosen))),
      options_(options),
      shuffles_(shuffles),
      features_(chosen_.cells) {
  if (options_.kind == Probe::Kind::numbers) targets_ = std::make_unique<Standardization>(chosen_.target_moments);
  Random initial(options_.seed, 0x6c6179);
  const Index c = samples_.channels();
  if (options_.hidden > 0) layers_.hidden = std::make_unique<Linear>(c, options_.hidden, &initial);
  layers_.output = std::make_unique<Linear>(options_.hidden > 0 ? options_.hidden : c, options_.outputs, &initial);
  std::vector<Parameter*> parameters = layers_.output->parameters();
  if (layers_.hidden)
    for (Parameter* p : layers_.hidden->parameters()) parameters.push_back(p);
  AdamOptions adam;
  adam.weight_decay = options_.weight_decay;
  adam_ = std::make_unique<Adam>(options_.weight_decay > 0 ? Adam::Kind::adamw : Adam::Kind::adam, parameters,
                                 options_.lr, adam);
}

Index ProbeTrainer::steps_of_epoch() const {
  return (static_cast<Index>(chosen_.samples.size()) + options_.batch - 1) / options_.batch;
}

void ProbeTrainer::shuffle() {
  std::vector<std::uint32_t>& order = chosen_.samples;
  for (Index i = static_cast<Index>(order.size()) - 1; i > 0; --i)
    std::swap(order[usize(i)], order[usize(shuffles_.below(i + 1))]);
}

double ProbeTrainer::step() {
  if (steps_ % steps_of_epoch() == 0) shuffle();
  const Index begin = steps_ % steps_of_epoch() * options_.batch,
              count = std::min(options_.batch, static_cast<Index>(chosen_.samples.size()) - begin);
  Tensor x({count, samples_.channels()}), t({count, samples_.targets()});
  samples_.read(chosen_.samples.data() + begin, count, x, t);
  features_.apply(x);
  adam_->zero_grad();
  Tape tape;
  const Var in = layers_.hidden ? relu((*layers_.hidden)(Var(x))) : Var(x), y = (*layers_.output)(in);
  Var loss;
  if (targets_) {
    targets_->apply(t);
    loss = mean(square(y - Var(t)));
  } else {
    const auto labels = std::make_shared<std::vector<Index>>();
    for (Index i = 0; i < count; ++i) labels->push_back(static_cast<Index>(t.data()[i]));
    loss = cross_entropy(y, labels);
  }
  backward(loss);
  adam_->step();
  ++steps_;
  return static_cast<double>(loss.value.item());
}

void ProbeTrainer::run(Index epochs, const Progress& progress) {
  const Index all = epochs * steps_of_epoch();
  while (steps_ < all) {
    step();
    if (progress) progress(static_cast<double>(steps_) / static_cast<double>(all));
  }
}

Probe ProbeTrainer::probe() const {
  Probe p;
  p.kind = options_.kind, p.channels = samples_.channels();
  if (layers_.hidden) {
    fold_inputs(*layers_.hidden, features_, p.hidden_weight, p.hidden_bias);
    p.weight = layers_.output->weight.value.clone(), p.bias = layers_.output->bias.value.clone();
  } else {
    fold_inputs(*layers_.output, features_, p.weight, p.bias);
  }
  if (targets_) fold_outputs(*targets_, p.weight, p.bias), p.centre = targets_->mean;
  return p;
}

void ProbeTrainer::save(std::map<std::string, Tensor>& tensors) {
  layers_.output->save(tensors, "layers.output.");
  if (layers_.hidden) layers_.hidden->save(tensors, "layers.hidden.");
  adam_->save(tensors, "adam.");
}

void ProbeTrainer::load(const Weights& weights) {
  layers_.output->load(weights, "layers.output.");
  if (layers_.hidden) layers_.hidden->load(weights, "layers.hidden.");
  adam_->load(weights, "adam.");
  require<UsageError>(steps_ == 0, "[probe] a training that has begun cannot load another.");
  steps_ = adam_->steps();
  // The order of the samples follows from the stream: the epochs that were begun are shuffled again.
  for (Index begun = 0; begun * steps_of_epoch() < steps_; ++begun) shuffle();
  // A step at the start of an epoch shuffles for it.
}

Probe train_probe(const std::vector<LabelledFeatures>& photos, const ProbeOptions& options, const Progress& progress) {
  require<UsageError>(!photos.empty(), "[probe] no photos to learn from. Give some with their labels.");
  Random draws = probe_draws(options.seed);
  const SamplesInMemory samples(photos, options, draws);
  ProbeTrainer trainer(samples, samples.all(), options, draws);
  trainer.run(options.epochs, progress);
  return trainer.probe();
}

ChannelMap joined(const std::vector<ChannelMap>& maps) {
  std::vector<Tensor> matrices, offsets;
  for (const ChannelMap& m : maps) matrices.push_back(m.matrix), offsets.push_back(m.offset);
  return {concat(matrices, 1), concat(offsets, 0)};
}

}  // namespace fu
