#include "layers/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/files/weights.h"
#include "core/isa.h"
#include "core/ops.h"
#include "core/parallel.h"

namespace fu {

Optimizer::Optimizer(const std::vector<Parameter*>& parameters) { add({parameters, 1, {}}); }

void Optimizer::add(const ParameterGroup& group) {
  for (std::size_t i = 0; i < group.parameters.size(); ++i) {
    Parameter* const p = group.parameters[i];
    const auto behind = group.parameters.begin() + static_cast<std::ptrdiff_t>(i);
    const bool before = std::find(parameters_.begin(), parameters_.end(), p) != parameters_.end() ||
                        std::find(group.parameters.begin(), behind, p) != behind;
    require<UsageError>(!before, "[optimizer] parameter '", p->name, "' ", p->value.shape(),
                        " is given twice; it would be moved twice. Leave one out.");
  }
  for (Parameter* p : group.parameters) {
    if (!p->trainable) continue;
    parameters_.push_back(p);
    group_of_.push_back(groups_.size());
  }
  groups_.push_back(group);
}

void Optimizer::add_group(const ParameterGroup& group) {
  require<UsageError>(steps_ == 0, "[optimizer] a group was added behind ", steps_,
                      " steps. Add all groups first: the corrections of running means count from the first step.");
  add(group);
  make_states();
}

void Optimizer::make_states() {
  for (std::size_t i = states_.size(); i < parameters_.size(); ++i) {
    states_.emplace_back();
    for (std::size_t j = 0; j < state_names().size(); ++j)
      states_.back().push_back(Tensor::zeros(parameters_[i]->value.shape()));
  }
  counts_.resize(parameters_.size(), 0);
}

void Optimizer::step() {
  ++steps_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    if (!p.has_grad()) continue;
    require<ShapeError>(p.value.shape() == states_[i][0].shape(), "[optimizer] parameter '", p.name, "' is ",
                        p.value.shape(), " now and was ", states_[i][0].shape(),
                        " when the optimizer was made. Make a new optimizer.");
    // Another tensor may share this storage, and must keep its values.
    if (!p.value.unique()) p.value = p.value.clone();
    ++counts_[i];
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

constexpr Index kMostSteps = Index{1} << 40;  // no training comes near

/// Counts as rows of two numbers below 2^24, which are exact in float: (N,2).
Tensor as_numbers(const std::vector<Index>& counts) {
  Tensor t({static_cast<Index>(counts.size()), 2});
  for (std::size_t i = 0; i < counts.size(); ++i) {
    t.data()[2 * i] = static_cast<real>(counts[i] >> 24);
    t.data()[2 * i + 1] = static_cast<real>(counts[i] & 0xffffff);
  }
  return t;
}

/// The counts of a tensor of a file, each at most `most`.
std::vector<Index> read_counts(const Weights& weights, const std::string& name, const Shape& shape, Index most) {
  const Tensor t = weights.read(name, shape);
  std::vector<Index> counts;
  for (Index i = 0; i + 1 < t.size(); i += 2) {
    const real high = t.data()[i], low = t.data()[i + 1];
    const auto part = [](real x) { return x >= 0 && x < 16777216 && x == std::floor(x); };
    const Index count = part(high) && part(low) ? (static_cast<Index>(high) << 24) + static_cast<Index>(low) : most + 1;
    require<FileError>(count <= most, weights.path(), ": '", name, "' holds ", high, " and ", low,
                       ": no count of steps up to ", most, ".");
    counts.push_back(count);
  }
  return counts;
}

}  // namespace

void Optimizer::save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const {
  tensors[prefix + "step"] = as_numbers({steps_}).reshape({2});
  tensors[prefix + "counts"] = as_numbers(counts_);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    for (std::size_t j = 0; j < states_[i].size(); ++j)
      tensors[state_name(prefix, state_names()[j], i)] = states_[i][j].clone();
}

void Optimizer::load(const Weights& weights, const std::string& prefix) {
  const Index steps = read_counts(weights, prefix + "step", {2}, kMostSteps).front();
  std::vector<Index> counts(parameters_.size(), steps);
  if (weights.has(prefix + "counts"))
    counts = read_counts(weights, prefix + "counts", {static_cast<Index>(parameters_.size()), 2}, steps);
  // All tensors are read first, so that an error changes nothing.
  std::vector<std::vector<Tensor>> loaded;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    loaded.emplace_back();
    for (const char* which : state_names()) {
      const std::string name = state_name(prefix, which, i);
      loaded.back().push_back(weights.read(name, parameters_[i]->value.shape()));
      const Tensor& t = loaded.back().back();
      const bool root = which == std::string_view("square");  // its root is taken
      require<FileError>(!root || std::all_of(t.data(), t.data() + t.size(), [](real x) { return x >= 0; }),
                         weights.path(), ": tensor '", name, "' holds a negative number; it is a mean of squares.");
    }
  }
  states_ = std::move(loaded);
  steps_ = steps, counts_ = std::move(counts);
}

Sgd::Sgd(const std::vector<Parameter*>& parameters, double learning_rate, double momentum, double weight_decay)
    : Sgd(parameters, learning_rate, SgdOptions{momentum, 0, weight_decay, false}) {}

Sgd::Sgd(const std::vector<Parameter*>& parameters, double learning_rate, const SgdOptions& options)
    : Optimizer(parameters), options_(options) {
  require<UsageError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
                      "[sgd] nesterov with momentum ", options.momentum, " and dampening ", options.dampening,
                      ": it wants a momentum above 0, and no dampening.");
  lr = learning_rate;
  make_states();
}

void Sgd::update(std::size_t index, real* value, const real* gradient, Index n) {
  const auto rate = static_cast<real>(lr_of(index)), momentum = static_cast<real>(options_.momentum),
             decay = static_cast<real>(weight_decay_of(index, options_.weight_decay));
  real* const velocity = state(index, 0).data();
  if (!options_.nesterov && options_.dampening == 0) {
    kernels().sgd_step(value, gradient, velocity, n, rate, momentum, decay);
    return;
  }
  const auto fresh = static_cast<real>(updates(index) == 1 ? 1 : 1 - options_.dampening);
  const bool nesterov = options_.nesterov;
  parallel_ranges(n, Index{1} << 14, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const real g = gradient[i] + decay * value[i];
      velocity[i] = momentum * velocity[i] + fresh * g;
      value[i] -= rate * (nesterov ? g + momentum * velocity[i] : velocity[i]);
    }
  });
}

Adam::Adam(Kind kind, const std::vector<Parameter*>& parameters, double learning_rate, const AdamOptions& options)
    : Optimizer(parameters), kind_(kind), options_(options) {
  lr = learning_rate;
  make_products();
  make_states();
}

double Adam::momentum(Index update) const {
  return options_.beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(update) * 0.004));
}

/// Products of the momenta of updates 1 to n, for n from 0. After some hundred of them a product is nothing beside the
/// 1 that it is subtracted from, and the table ends: so a large count costs neither time nor memory, and a step
/// allocates nothing.
void Adam::make_products() {
  constexpr double kNothing = 1e-30;
  constexpr std::size_t kMost = 10000;
  products_ = {1};
  while (products_.size() < kMost && products_.back() > kNothing)
    products_.push_back(products_.back() * momentum(static_cast<Index>(products_.size())));
}

double Adam::momentum_product(Index updates) const { return products_[std::min(usize(updates), products_.size() - 1)]; }

void Adam::update(std::size_t index, real* value, const real* gradient, Index n) {
  const auto t = static_cast<double>(updates(index));
  const double rate = lr_of(index), decay = weight_decay_of(index, options_.weight_decay);
  AdamArgs a;
  a.beta1 = static_cast<real>(options_.beta1), a.beta2 = static_cast<real>(options_.beta2),
  a.eps = static_cast<real>(options_.eps);
  a.unbias = static_cast<real>(1 / (1 - std::pow(options_.beta2, t)));
  if (kind_ == Kind::adamw)
    a.keep = static_cast<real>(1 - rate * decay);
  else
    a.weight_decay = static_cast<real>(decay);
  if (kind_ == Kind::nadam) {
    const double mu = momentum(updates(index)), mu_next = momentum(updates(index) + 1),
                 product = momentum_product(updates(index));
    a.from_gradient = static_cast<real>(rate * (1 - mu) / (1 - product));
    // The product of momenta up to the next step. PyTorch 1.13 counts this step's twice; results are compared with it,
    // so this does too.
    a.from_mean = static_cast<real>(rate * mu_next / (1 - product * mu * mu_next));
  } else {
    a.from_mean = static_cast<real>(rate / (1 - std::pow(options_.beta1, t)));
  }
  kernels().adam_step(value, gradient, state(index, 0).data(), state(index, 1).data(), n, a);
}

}  // namespace fu
