// Optimizers: the only code that writes parameters after they are made.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autograd/tape.h"

namespace fu {

class Weights;

class Optimizer {
 public:
  /// The parameters must outlive the optimizer. Those that are not trainable are left out. Throws UsageError if one is
  /// given twice.
  explicit Optimizer(const std::vector<Parameter*>& parameters);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates every parameter that has a gradient.
  void step();
  void zero_grad();
  /// Scales all gradients so that the norm of all of them together is at most `most`. Returns the norm before. source:
  /// arXiv 1211.5063
  double clip_gradients(double most);

  double lr = 0;
  Index steps() const { return steps_; }

  /// Adds the state that resuming needs besides the weights: "step", and the running means by the parameter's place in
  /// the list. Names begin with prefix.
  void save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const;
  /// For an optimizer made of the same parameters in the same order. Throws FileError, and changes nothing, if a tensor
  /// is missing or has another shape than its parameter.
  void load(const Weights& weights, const std::string& prefix);

 protected:
  /// Called once a step, before any update().
  virtual void begin_step() {}
  virtual void update(std::size_t index, real* value, const real* gradient, Index n) = 0;
  /// Names of the running means that every parameter has.
  virtual std::vector<const char*> state_names() const = 0;
  /// Running mean `which` of parameter `index`, zeros at first.
  Tensor& state(std::size_t index, std::size_t which) { return states_[index][which]; }
  /// To be called at the end of a derived constructor.
  void make_states();
  Index steps_ = 0;

 private:
  /// Called after loading: recomputes what follows from the number of steps.
  virtual void replay() {}
  std::vector<Parameter*> parameters_;
  std::vector<std::vector<Tensor>> states_;
};

/// velocity = momentum * velocity + gradient + weight_decay * p;  p -= lr * velocity
class Sgd : public Optimizer {
 public:
  Sgd(const std::vector<Parameter*>& parameters, double learning_rate, double momentum = 0, double weight_decay = 0);

 private:
  void update(std::size_t index, real* value, const real* gradient, Index n) override;
  std::vector<const char*> state_names() const override { return {"velocity"}; }
  real momentum_, weight_decay_;
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
class Adam : public Optimizer {
 public:
  enum class Kind { adam, adamw, nadam };
  Adam(Kind kind, const std::vector<Parameter*>& parameters, double learning_rate, const AdamOptions& options = {});

 private:
  void begin_step() override;
  void update(std::size_t index, real* value, const real* gradient, Index n) override;
  std::vector<const char*> state_names() const override { return {"mean", "square"}; }
  void replay() override;

  Kind kind_;
  AdamOptions options_;
  double mu_ = 0, mu_next_ = 0, mu_product_ = 1;  // nadam's momentum now, after, and multiplied up
};

/// Learning rate as a fraction of its peak: rises linearly over `warmup` steps, then falls along a cosine to `floor` at
/// step `total`. step counts from 0.
double warmup_cosine(Index step, Index warmup, Index total, double floor = 0);

}  // namespace fu
