#include "layers/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/files/weights.h"
#include "core/isa.h"
#include "core/ops.h"

namespace fu {

Optimizer::Optimizer(const std::vector<Parameter*>& parameters) {
  for (Parameter* p : parameters) {
    require<UsageError>(std::find(parameters_.begin(), parameters_.end(), p) == parameters_.end(),
                        "[optimizer] parameter '", p->name, "' ", p->value.shape(),
                        " is given twice; it would be moved twice. Leave one out.");
    if (p->trainable) parameters_.push_back(p);
  }
}

void Optimizer::make_states() {
  for (const Parameter* p : parameters_) states_.emplace_back(state_names().size(), Tensor::zeros(p->value.shape()));
  for (auto& list : states_)
    for (Tensor& t : list) t = t.clone();  // each its own storage
}

void Optimizer::step() {
  ++steps_;
  begin_step();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    if (!p.has_grad()) continue;
    require<ShapeError>(p.value.shape() == states_[i][0].shape(), "[optimizer] parameter '", p.name, "' is ",
                        p.value.shape(), " now and was ", states_[i][0].shape(),
                        " when the optimizer was made. Make a new optimizer.");
    // Another tensor may share this storage, and must keep its values.
    if (!p.value.unique()) p.value = p.value.clone();
    update(i, p.value.data(), p.grad.data(), p.value.size());
    p.touch();
  }
}

void Optimizer::zero_grad() {
  for (Parameter* p : parameters_) p->zero_grad();
}

double Optimizer::clip_gradients(double most) {
  double total = 0;
  for (const Parameter* p : parameters_)
    if (p->has_grad()) total += static_cast<double>(sum(unary(Unary::square, p->grad)).item());
  const double length = std::sqrt(total);
  if (length > most)
    for (Parameter* p : parameters_)
      if (p->has_grad()) p->grad = unary(Unary::affine, p->grad, static_cast<real>(most / (length + 1e-6)));
  return length;
}

namespace {

std::string state_name(const std::string& prefix, const char* which, std::size_t parameter) {
  return prefix + which + "." + std::to_string(parameter);
}

}  // namespace

void Optimizer::save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const {
  // Two numbers below 2^24, so that a count is exact in float.
  tensors[prefix + "step"] = Tensor::from({2}, {static_cast<real>(steps_ >> 24), static_cast<real>(steps_ & 0xffffff)});
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    for (std::size_t j = 0; j < states_[i].size(); ++j)
      tensors[state_name(prefix, state_names()[j], i)] = states_[i][j].clone();
}

void Optimizer::load(const Weights& weights, const std::string& prefix) {
  const Tensor step = weights.read(prefix + "step", {2});
  for (Index i = 0; i < 2; ++i)
    require<FileError>(step.data()[i] >= 0 && step.data()[i] < 16777216 && step.data()[i] == std::floor(step.data()[i]),
                       weights.path(), ": '", prefix, "step' holds ", step.data()[i], ": no count of steps.");
  // All tensors are read first, so that an error changes nothing.
  std::vector<std::vector<Tensor>> loaded;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    loaded.emplace_back();
    for (const char* which : state_names())
      loaded.back().push_back(weights.read(state_name(prefix, which, i), parameters_[i]->value.shape()));
  }
  states_ = std::move(loaded);
  steps_ = (static_cast<Index>(step.data()[0]) << 24) + static_cast<Index>(step.data()[1]);
  replay();
}

Sgd::Sgd(const std::vector<Parameter*>& parameters, double learning_rate, double momentum, double weight_decay)
    : Optimizer(parameters), momentum_(static_cast<real>(momentum)), weight_decay_(static_cast<real>(weight_decay)) {
  lr = learning_rate;
  make_states();
}

void Sgd::update(std::size_t index, real* value, const real* gradient, Index n) {
  kernels().sgd_step(value, gradient, state(index, 0).data(), n, static_cast<real>(lr), momentum_, weight_decay_);
}

Adam::Adam(Kind kind, const std::vector<Parameter*>& parameters, double learning_rate, const AdamOptions& options)
    : Optimizer(parameters), kind_(kind), options_(options) {
  lr = learning_rate;
  make_states();
}

void Adam::begin_step() {
  const auto momentum = [&](Index t) {
    return options_.beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * 0.004));
  };
  mu_ = momentum(steps_);
  mu_next_ = momentum(steps_ + 1);
  mu_product_ *= mu_;
}

void Adam::update(std::size_t index, real* value, const real* gradient, Index n) {
  const auto t = static_cast<double>(steps_);
  AdamArgs a;
  a.beta1 = static_cast<real>(options_.beta1), a.beta2 = static_cast<real>(options_.beta2),
  a.eps = static_cast<real>(options_.eps);
  a.unbias = static_cast<real>(1 / (1 - std::pow(options_.beta2, t)));
  if (kind_ == Kind::adamw)
    a.keep = static_cast<real>(1 - lr * options_.weight_decay);
  else
    a.weight_decay = static_cast<real>(options_.weight_decay);
  if (kind_ == Kind::nadam) {
    a.from_gradient = static_cast<real>(lr * (1 - mu_) / (1 - mu_product_));
    // The product of momenta up to the next step. PyTorch 1.13 counts this step's twice; results are compared with it,
    // so this does too.
    a.from_mean = static_cast<real>(lr * mu_next_ / (1 - mu_product_ * mu_ * mu_next_));
  } else {
    a.from_mean = static_cast<real>(lr / (1 - std::pow(options_.beta1, t)));
  }
  kernels().adam_step(value, gradient, state(index, 0).data(), state(index, 1).data(), n, a);
}

void Adam::replay() {
  if (kind_ != Kind::nadam) return;
  const Index target = steps_;
  mu_product_ = 1;
  for (steps_ = 1; steps_ <= target; ++steps_) begin_step();
  steps_ = target;
}

double warmup_cosine(Index step, Index warmup, Index total, double floor) {
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (step >= total) return floor;
  const double along = static_cast<double>(step - warmup) / static_cast<double>(std::max<Index>(1, total - warmup));
  return floor + (1 - floor) * 0.5 * (1 + std::cos(3.14159265358979323846 * along));
}

}  // namespace fu
