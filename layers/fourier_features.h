// Sines and cosines of the inputs: what lets a small network fit high frequencies. source: arXiv 2006.10739; with
// learned phases, FeatUp (arXiv 2403.10516) section 3.
#pragma once

#include "layers/module.h"

namespace fu {

/// x (..,S) -> (.., 2 n S): sin(w_k x_s + a), then cos(w_k x_s + b), signal by signal within each of n frequencies.
/// Parameter, where phases are learned: biases (2,S,n), its elements in the order of the output, 0 at first.
class FourierFeatures : public Layer {
 public:
  FourierFeatures(Index signals, std::vector<real> frequencies, bool learned_phases);
  Var operator()(const Var& x) const override;
  Index out() const { return 2 * signals_ * n_; }

  Parameter biases;

 private:
  Index signals_, n_;
  bool learned_;
  Tensor mixing_;  // (n S, S): row k S + s holds w_k at s, so that a linear layer makes all phases
};

/// n frequencies exp(low) ... exp(high), evenly spaced in the exponent, rounded as PyTorch's linspace rounds: at high
/// frequencies one unit in the last place of an exponent is a visible difference.
std::vector<real> log_spaced_frequencies(real low, real high, Index n);
/// n numbers from begin to end, rounded likewise.
std::vector<real> linspace(real begin, real end, Index n);

}  // namespace fu
