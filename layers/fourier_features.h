// Sines and cosines of the inputs, with which a small network can fit high frequencies. source: arXiv 2006.10739; with
// learned phases, FeatUp (arXiv 2403.10516) section 3.
#pragma once

#include "layers/module.h"

namespace fu {

/// x (..,S) -> (.., 2 n S): sin(w_k x_s + a), then cos(w_k x_s + b), signal by signal within each of n frequencies.
/// Parameter, where phases are learned: biases (2,S,n), its elements in the order of the output, 0 at first.
class FourierFeatures : public Module {
 public:
  /// signals: S, the size of the last axis. frequencies: the w_k. Without learned phases it has no parameter.
  FourierFeatures(Index signals, std::vector<real> frequencies, bool learned_phases);
  /// throws ShapeError unless the last axis of x has S numbers.
  template <class X>
  X operator()(const X& x) const;
  /// Size of the last axis of the result.
  Index out() const { return 2 * signals_ * n_; }

  Parameter biases;

 private:
  Index signals_, n_;
  bool learned_;
  Tensor mixing_;  // (n S, S): row k S + s holds w_k at s, so that a linear layer makes all phases
};

template <class X>
X FourierFeatures::operator()(const X& x) const {
  const NameScope scope(registered_name());
  const X phase = linear(x, X(mixing_), X(Tensor()));
  if (!learned_) return concat(std::initializer_list<X>{unary(Unary::sin, phase), unary(Unary::cos, phase)}, -1);
  const X b = reshape(as<X>(biases), {2, n_ * signals_});
  return concat(std::initializer_list<X>{unary(Unary::sin, phase + slice(b, 0, 0, 1)),
                                         unary(Unary::cos, phase + slice(b, 0, 1, 2))},
                -1);
}

/// n frequencies exp(low) ... exp(high), evenly spaced in the exponent, rounded as PyTorch's linspace and exp round: at
/// high frequencies the last bit makes a visible difference.
std::vector<real> log_spaced_frequencies(real low, real high, Index n);
/// n numbers from begin to end, rounded likewise.
std::vector<real> linspace(real begin, real end, Index n);

}  // namespace fu
