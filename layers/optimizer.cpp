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
  counts_.assign(parameters_.size(), 0);
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
  AdamArgs a;
  a.beta1 = static_cast<real>(options_.beta1), a.beta2 = static_cast<real>(options_.beta2),
  a.eps = static_cast<real>(options_.eps);
  a.unbias = static_cast<real>(1 / (1 - std::pow(options_.beta2, t)));
  if (kind_ == Kind::adamw)
    a.keep = static_cast<real>(1 - lr * options_.weight_decay);
  else
    a.weight_decay = static_cast<real>(options_.weight_decay);
  if (kind_ == Kind::nadam) {
    const double mu = momentum(updates(index)), mu_next = momentum(updates(index) + 1),
                 product = momentum_product(updates(index));
    a.from_gradient = static_cast<real>(lr * (1 - mu) / (1 - product));
    // The product of momenta up to the next step. PyTorch 1.13 counts this step's twice; results are compared with it,
    // so this does too.
    a.from_mean = static_cast<real>(lr * mu_next / (1 - product * mu * mu_next));
  } else {
    a.from_mean = static_cast<real>(lr / (1 - std::pow(options_.beta1, t)));
  }
  kernels().adam_step(value, gradient, state(index, 0).data(), state(index, 1).data(), n, a);
}

double warmup_cosine(Index step, Index warmup, Index total, double floor) {
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (step >= total) return floor;
  const double along = static_cast<double>(step - warmup) / static_cast<double>(std::max<Index>(1, total - warmup));
  return floor + (1 - floor) * 0.5 * (1 + std::cos(3.14159265358979323846 * along));
}

}  // namespace fu
