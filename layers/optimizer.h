// Optimizers: the only code that writes parameters after they are made.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograd/tape.h"
#include "layers/schedules.h"

namespace fu {

class Weights;

/// Parameters that are learned alike. What differs may be changed between steps.
struct ParameterGroup {
  std::vector<Parameter*> parameters;
  double lr_scale = 1;                 // their learning rate is the optimizer's lr times this
  std::optional<double> weight_decay;  // in place of the optimizer's
};

/// What all optimizers share: groups of parameters, clipping, the state in files. A derived class has the rule of one
/// parameter's step.
class Optimizer {
 public:
  /// The parameters must outlive the optimizer. Those that are not trainable are left out. Throws UsageError if one is
  /// given twice.
  explicit Optimizer(const std::vector<Parameter*>& parameters);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Adds parameters that the list of the constructor, which is group 0, does not have.
  /// @code
  /// Random random(1);
  /// Linear layer(3, 2, &random);
  /// AdamOptions options;
  /// options.weight_decay = 0.01;
  /// Adam adam(Adam::Kind::adamw, {&layer.weight}, 1e-3, options);
  /// adam.add_group({{&layer.bias}, 1, 0.0});  // the same rate, no weight decay
  /// assert(adam.groups() == 2);
  /// @endcode
  /// The state in files goes by the place of a parameter in all groups together, one behind another. throws UsageError
  /// if one is given twice, or after the first step.
  void add_group(const ParameterGroup& group);
  /// The i-th group. Throws std::out_of_range if there is none.
  ParameterGroup& group(std::size_t i) { return groups_.at(i); }
  std::size_t groups() const { return groups_.size(); }

  /// Updates every parameter that has a gradient.
  void step();
  /// Forgets all gradients.
  void zero_grad();
  /// Scales all gradients so that the norm of all of them together is at most `most`. Returns the norm before. source:
  /// arXiv 1211.5063
  double clip_gradients(double most);

  double lr = 0;  // the learning rate of the next step; a schedule sets it
  /// Calls of step() so far.
  Index steps() const { return steps_; }

  /// Adds the state that resuming needs besides the weights: "step", "counts", and the running means by the parameter's
  /// place in the list. Names begin with prefix.
  void save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const;
  /// For an optimizer made of the same parameters in the same order, in whatever groups. Throws FileError, and changes
  /// nothing, if a tensor is missing or has another shape than its parameter, or if a count is none. Files from before
  /// parameters had counts of their own have no "counts": then each has had as many updates as there were steps.
  void load(const Weights& weights, const std::string& prefix);

 protected:
  virtual void update(std::size_t index, real* value, const real* gradient, Index n) = 0;
  /// Names of the running means that every parameter has.
  virtual std::vector<const char*> state_names() const = 0;
  /// Running mean `which` of parameter `index`, zeros at first.
  Tensor& state(std::size_t index, std::size_t which) { return states_[index][which]; }
  /// How often parameter `index` was updated, the update under way included: steps in which it had a gradient.
  Index updates(std::size_t index) const { return counts_[index]; }
  double lr_of(std::size_t index) const { return lr * groups_[group_of_[index]].lr_scale; }
  double weight_decay_of(std::size_t index, double usual) const {
    return groups_[group_of_[index]].weight_decay.value_or(usual);
  }
  /// To be called at the end of a derived constructor.
  void make_states();

 private:
  void add(const ParameterGroup& group);

  Index steps_ = 0;
  std::vector<Index> counts_;
  std::vector<ParameterGroup> groups_;
  std::vector<Parameter*> parameters_;  // of all groups
  std::vector<std::size_t> group_of_;
  std::vector<std::vector<Tensor>> states_;
};

/// Options of Sgd; the defaults are plain gradient descent.
struct SgdOptions {
  double momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
};

/// g = gradient + weight_decay * p;  velocity = momentum * velocity + (1 - dampening) * g, and g at the first update;
/// p -= lr * velocity, or with nesterov p -= lr * (g + momentum * velocity). source: PyTorch's SGD
class Sgd : public Optimizer {
 public:
  /// As the second constructor, without dampening and nesterov.
  Sgd(const std::vector<Parameter*>& parameters, double learning_rate, double momentum = 0, double weight_decay = 0);
  /// throws UsageError for nesterov without momentum, or with dampening.
  Sgd(const std::vector<Parameter*>& parameters, double learning_rate, const SgdOptions& options);

 private:
  void update(std::size_t index, real* value, const real* gradient, Index n) override;
  std::vector<const char*> state_names() const override { return {"velocity"}; }
  SgdOptions options_;
};

/// weight_decay is 0 for all kinds unless set, also for adamw.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};

/// Steps by the running mean of gradients over the root of the running mean of their squares, both corrected for having
/// begun at 0.
///   adam: weight decay is added to the gradient. source: arXiv 1412.6980
///   adamw: weight decay shrinks parameters directly. source: arXiv 1711.05101
///   nadam: uses the momentum of the next step. source: Dozat 2016, with PyTorch's momentum schedule (decay 0.004)
/// The correction counts the updates of each parameter by itself, as PyTorch does: one whose first gradient comes late
/// begins as the others did.
/// @code
/// Parameter p(Tensor::full({1}, 5));
/// Adam adam(Adam::Kind::adamw, {&p}, 0.1);
/// for (Index step = 0; step < 300; ++step) {
///   adam.lr = 0.1 * cosine(step, 300);
///   adam.zero_grad();
///   Tape tape;
///   backward(sum(square(Var(p))));  // least at 0
///   adam.step();
/// }
/// assert(std::abs(p.value.item()) < 0.1);
/// @endcode
class Adam : public Optimizer {
 public:
  /// See above.
  enum class Kind { adam, adamw, nadam };
  /// learning_rate: what lr begins with.
  Adam(Kind kind, const std::vector<Parameter*>& parameters, double learning_rate, const AdamOptions& options = {});

 private:
  void update(std::size_t index, real* value, const real* gradient, Index n) override;
  std::vector<const char*> state_names() const override { return {"mean", "square"}; }
  double momentum(Index update) const;
  void make_products();
  double momentum_product(Index updates) const;

  Kind kind_;
  AdamOptions options_;
  std::vector<double> products_;  // of nadam's momenta up to the n-th update: they follow from n alone
};

}  // namespace fu
