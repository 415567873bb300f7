#include "autograd/check_gradients.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "autograd/parameter_keeper.h"
#include "core/number_text.h"
#include "core/ops.h"
#include "core/random.h"

namespace fu {

namespace {

/// A function of several tensors, as the check sees it.
struct Subject {
  std::vector<std::string> names;
  std::vector<Tensor> values;
  /// The result where tensor i has another value.
  std::function<Tensor(std::size_t i, const Tensor& moved)> result;
};

/// Of the elements that are finite; 0 if there are none.
double root_mean_square(const Tensor& t) {
  double total = 0, count = 0;
  for (Index i = 0; i < t.size(); ++i) {
    const auto x = static_cast<double>(t.data()[i]);
    if (std::isfinite(x)) total += x * x, ++count;
  }
  return count > 0 ? std::sqrt(total / count) : 0;
}

/// 1 for a result of one element, else between 1/2 and 3/2 of either sign.
Tensor random_weights(const Shape& shape, std::uint64_t seed) {
  if (shape.elements() == 1) return Tensor::full(shape, 1);
  Random random(seed);
  Tensor weights = random.uniform(shape, -1, 1);
  for (Index i = 0; i < weights.size(); ++i) weights.data()[i] += weights.data()[i] < 0 ? real(-0.5) : real(0.5);
  return weights;
}

class Comparison {
 public:
  Comparison(const Subject& subject, const Tensor& weights, const std::vector<Tensor>& gradients,
             const GradientCheckOptions& options, double magnitude)
      : subject_(subject), weights_(weights), gradients_(gradients), random_(options.seed, 1), magnitude_(magnitude) {
    constexpr bool kDouble = sizeof(real) == 8;
    step_ = options.step > 0 ? options.step : kDouble ? 1e-5 : 1e-2;
    tolerance_ = options.tolerance > 0 ? options.tolerance : kDouble ? 1e-6 : 1e-2;
  }

  void elements(std::size_t i) {
    const Tensor& x = subject_.values[i];
    const double typical = root_mean_square(gradients_[i]), h = step(i);
    for (Index e = 0; e < x.size(); ++e) {
      Tensor above = x.clone(), below = x.clone();
      above.data()[e] += static_cast<real>(h);
      below.data()[e] -= static_cast<real>(h);
      // The step that was made: the sums were rounded.
      const double moved = static_cast<double>(above.data()[e]) - static_cast<double>(below.data()[e]);
      const double expected = change(i, above, below) / moved;
      const auto got = static_cast<double>(gradients_[i].data()[e]);
      const double scale = std::max({typical, std::abs(expected), std::abs(got)});
      compare(i, e, expected, got, tolerance_ * scale + rounding(moved));
    }
  }

  void directions(std::size_t i, Index count) {
    const Tensor& x = subject_.values[i];
    const double h = step(i);
    for (Index n = 0; n < count; ++n) {
      const Tensor move = unary(Unary::affine, random_.normal(x.shape()), static_cast<real>(h));
      const Tensor above = x + move, below = x - move;
      double got = 0, scale = 0;
      for (Index e = 0; e < x.size(); ++e) {
        const double moved = static_cast<double>(above.data()[e]) - static_cast<double>(below.data()[e]);
        const double part = static_cast<double>(gradients_[i].data()[e]) * moved / (2 * h);
        got += part, scale += std::abs(part);
      }
      const double expected = change(i, above, below) / (2 * h);
      const std::size_t before = check.differences.size();
      if (compare(i, -1, expected, got, tolerance_ * std::max(scale, std::abs(expected)) + rounding(2 * h))) continue;
      const GradientDifference direction = check.differences.back();
      check.differences.pop_back();
      elements(i);
      if (check.differences.size() == before) check.differences.push_back(direction);
      return;
    }
  }

  GradientCheck check;

 private:
  double step(std::size_t i) const {
    const double size = root_mean_square(subject_.values[i]);
    return step_ * (size > 0 ? size : 1);
  }
  double rounding(double moved) const {
    return 16 * static_cast<double>(std::numeric_limits<real>::epsilon()) * magnitude_ / moved;
  }
  double change(std::size_t i, const Tensor& above, const Tensor& below) const {
    const Tensor a = subject_.result(i, above), b = subject_.result(i, below);
    double total = 0;
    for (Index e = 0; e < a.size(); ++e)
      total += static_cast<double>(weights_.data()[e]) *
               (static_cast<double>(a.data()[e]) - static_cast<double>(b.data()[e]));
    return total;
  }
  bool compare(std::size_t i, Index element, double expected, double got, double allowed) {
    ++check.compared;
    const double difference = std::abs(got - expected);
    const bool agree = difference <= allowed;  // not where one is not a number
    if (difference > 0 || std::isnan(difference)) {
      const double used = agree ? difference / allowed : std::isnan(difference) ? INFINITY : difference / allowed;
      check.worst = std::max(check.worst, used);
    }
    if (agree) return true;
    GradientDifference d;
    d.input = i, d.name = subject_.names[i], d.shape = subject_.values[i].shape();
    d.element = element >= 0;
    d.place.resize(d.element ? usize(d.shape.rank()) : 0);
    for (int axis = d.shape.rank() - 1; d.element && axis >= 0; --axis) {
      d.place[usize(axis)] = element % d.shape[axis];
      element /= d.shape[axis];
    }
    d.expected = expected, d.got = got, d.allowed = allowed;
    check.differences.push_back(d);
    return false;
  }

  const Subject& subject_;
  const Tensor& weights_;
  const std::vector<Tensor>& gradients_;
  Random random_;
  double magnitude_;  // sum of the magnitudes of the result's elements
  double step_, tolerance_;
};

void require_deterministic(const Tensor& a, const Tensor& b) {
  const bool same =
      a.shape() == b.shape() && (a.size() == 0 || std::memcmp(a.data(), b.data(), usize(a.size()) * sizeof(real)) == 0);
  require<UsageError>(same,
                      "[check_gradients] f gives two results for the same inputs. Draw random numbers inside of it, "
                      "from a seed.");
}

GradientCheck compare(const Subject& subject, const Tensor& y, const Tensor& weights,
                      const std::vector<Tensor>& gradients, const GradientCheckOptions& options) {
  double magnitude = 0;
  for (Index i = 0; i < y.size(); ++i)
    magnitude += std::abs(static_cast<double>(y.data()[i]) * static_cast<double>(weights.data()[i]));
  Comparison comparison(subject, weights, gradients, options, magnitude);
  for (std::size_t i = 0; i < subject.values.size(); ++i) {
    if (!subject.values.empty() && i == 0) require_deterministic(y, subject.result(0, subject.values[0]));
    if (options.directions > 0)
      comparison.directions(i, options.directions);
    else
      comparison.elements(i);
  }
  const auto excess = [](const GradientDifference& d) {
    const double ratio = std::abs(d.got - d.expected) / d.allowed;
    return std::isnan(ratio) ? INFINITY : ratio;
  };
  std::stable_sort(comparison.check.differences.begin(), comparison.check.differences.end(),
                   [&](const auto& a, const auto& b) { return excess(a) > excess(b); });
  return std::move(comparison.check);
}

/// Runs backward from a result, and returns the weights that it was given as gradient.
Tensor backward_weighted(const Tape& tape, const Var& y, std::uint64_t seed) {
  require<UsageError>(y.tracked() && y.tape == tape.number(), "[check_gradients] the result ", y.shape(),
                      " is not tracked: no gradient can reach the inputs. A detach(), or a function of plain tensors, "
                      "stands between.");
  const Tensor weights = random_weights(y.shape(), seed);
  backward(y, weights);
  return weights;
}

}  // namespace

GradientCheck check_gradients(const std::function<Var(const std::vector<Var>&)>& f, const std::vector<Tensor>& inputs,
                              const GradientCheckOptions& options) {
  Subject subject;
  subject.values = inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) subject.names.push_back(cat("input ", i));
  subject.result = [&](std::size_t i, const Tensor& moved) {
    const NoRecording pause;
    std::vector<Var> vars(inputs.begin(), inputs.end());
    vars[i] = Var(moved);
    return f(vars).value;
  };
  Tensor y, weights;
  std::vector<Tensor> gradients;
  {
    Tape tape;
    std::vector<Var> vars;
    for (const Tensor& x : inputs) vars.push_back(tape.watch(x));
    const NoRecording constants;  // what is tracked stays so; parameters are not
    const Var result = f(vars);
    y = result.value;
    weights = backward_weighted(tape, result, options.seed);
    for (const Var& x : vars) gradients.push_back(tape.gradient(x));
  }
  return compare(subject, y, weights, gradients, options);
}

GradientCheck check_gradients(const std::function<Var()>& f, const std::vector<Parameter*>& parameters,
                              const GradientCheckOptions& options) {
  Subject subject;
  for (const Parameter* p : parameters) {
    require<UsageError>(p->trainable, "[check_gradients] parameter '", p->name, "' ", p->value.shape(),
                        " is not trainable, so it gets no gradient. Leave it out.");
    subject.names.push_back("parameter '" + p->name + "'");
    subject.values.push_back(p->value);
  }
  const ParameterKeeper keeper(parameters);
  subject.result = [&](std::size_t i, const Tensor& moved) {
    const NoRecording pause;
    parameters[i]->set(moved);
    Tensor y = f().value;
    parameters[i]->set(subject.values[i]);
    return y;
  };
  Tensor y, weights;
  std::vector<Tensor> gradients;
  {
    Tape tape;
    const Var result = f();
    y = result.value;
    weights = backward_weighted(tape, result, options.seed);
    for (const Parameter* p : parameters)
      gradients.push_back(p->has_grad() ? p->grad : Tensor::zeros(p->value.shape()));
  }
  return compare(subject, y, weights, gradients, options);
}

std::string GradientCheck::text() const {
  if (ok())
    return cat("[check_gradients] all ", compared, " agree; the worst took ", number_text(100 * worst, 2),
               "% of the difference that is allowed.\n");
  constexpr std::size_t kMost = 10;
  std::string out = cat("[check_gradients] ", differences.size(), " of ", compared, " differ; the largest first:\n");
  for (std::size_t i = 0; i < std::min(kMost, differences.size()); ++i) {
    const GradientDifference& d = differences[i];
    out += cat("  ", d.name, " ", d.shape, ", ");
    if (d.element) {
      out += "element (";
      for (std::size_t axis = 0; axis < d.place.size(); ++axis) out += cat(axis ? "," : "", d.place[axis]);
      out += ")";
    } else {
      out += "along a random direction";
    }
    out += ": expected " + number_text(d.expected, 6) + ", got " + number_text(d.got, 6) +
           "; allowed is a difference of " + number_text(d.allowed, 2) + "\n";
  }
  if (differences.size() > kMost) out += cat("  and ", differences.size() - kMost, " more\n");
  return out;
}

}  // namespace fu
