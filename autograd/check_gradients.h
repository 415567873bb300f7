// Gradients against differences of values: the check for an op or a layer of your own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/tape.h"

namespace fu {

/// How check_gradients() compares, and how closely.
struct GradientCheckOptions {
  /// Step of the differences, in units of the input's root mean square (of 1, if the input is all 0). 0: 1e-5 in double
  /// builds, 1e-2 in float builds, where a smaller step would measure rounding.
  double step = 0;
  /// Largest difference, relative to the gradient: to its element, or to the root mean square of the input's gradient
  /// where that is more. To it is added what rounding of the result does to a difference: 8 epsilon sum |result| /
  /// step. 0: 1e-6 in double builds, 1e-2 in float builds.
  double tolerance = 0;
  /// 0: every element is moved by itself, at the cost of two evaluations an element. Else so many random directions for
  /// each input; elements are moved only where a direction shows a difference, to name one.
  Index directions = 0;
  /// Of the directions, and of the weights by which a result of several elements becomes one number.
  std::uint64_t seed = 1;
};

/// A gradient that is not what differences say.
struct GradientDifference {
  std::size_t input = 0;     // its place in the list
  std::string name;          // "input 1", or "parameter 'fc1.weight'"
  Shape shape;               // of the input
  std::vector<Index> place;  // the element, along each axis; empty for a scalar
  bool element = true;       // false: a direction differs and no single element does
  double expected = 0;       // the central difference
  double got = 0;            // what backward gave
  double allowed = 0;        // the largest difference that would have passed
};

/// The result of check_gradients().
struct GradientCheck {
  Index compared = 0;                           // elements and directions
  double worst = 0;                             // the largest difference, in units of what is allowed
  std::vector<GradientDifference> differences;  // those that are not allowed, the largest first

  /// Whether every gradient agrees.
  bool ok() const { return differences.empty(); }
  /// One line if all agree; else one line for each of the ten largest differences.
  std::string text() const;
};

/// Compares gradients by backward() with central differences (L(x + h) - L(x - h)) / 2h.
///   f        from inputs to a result of any shape; the same inputs must give the same result
///   inputs   where it is checked; every one is tracked. Parameters that f uses beside them are constants here
/// L is the result itself if it is one number; else the sum of its elements times random weights between 1/2 and 3/2 of
/// either sign. At a kink of f, such as ReLU's at 0, differences are wrong: choose inputs away from it by more than a
/// step.
/// cost: two evaluations of f an element, or a direction. throws UsageError if f gives two results for the same inputs,
/// or if its result is not tracked, so that its gradients are lost.
/// @code
/// const auto f = [](const std::vector<Var>& in) { return tanh(in[0] * in[1]); };
/// const GradientCheck check = check_gradients(f, {Tensor::full({3}, 0.5), Tensor::full({3}, 2)});
/// assert(check.ok() && check.compared == 6);  // else check.text() says which elements differ
/// @endcode
GradientCheck check_gradients(const std::function<Var(const std::vector<Var>&)>& f, const std::vector<Tensor>& inputs,
                              const GradientCheckOptions& options = {});

/// The same for parameters that f reads: those of a module, say. Afterwards they have the values and gradients that
/// they had. throws UsageError as above, and for a parameter that is not trainable.
GradientCheck check_gradients(const std::function<Var()>& f, const std::vector<Parameter*>& parameters,
                              const GradientCheckOptions& options = {});

}  // namespace fu
