#include "layers/fourier_features.h"

#include <cmath>

namespace fu {

std::vector<real> linspace(real begin, real end, Index n) {
  std::vector<real> values;
  const real step = n > 1 ? (end - begin) / static_cast<real>(n - 1) : 0;
  for (Index i = 0; i < n; ++i)
    values.push_back(i < n / 2 || n == 1 ? begin + step * static_cast<real>(i) : end - step * static_cast<real>(n - 1 - i));
  return values;
}

std::vector<real> log_spaced_frequencies(real low, real high, Index n) {
  std::vector<real> frequencies = linspace(low, high, n);
  for (real& f : frequencies) f = static_cast<real>(std::exp(static_cast<double>(f)));
  return frequencies;
}

FourierFeatures::FourierFeatures(Index signals, std::vector<real> frequencies, bool learned_phases)
    : biases(Tensor::zeros({2, signals, static_cast<Index>(frequencies.size())})),
      signals_(signals),
      n_(static_cast<Index>(frequencies.size())),
      learned_(learned_phases),
      mixing_(Tensor::zeros({signals * n_, signals})) {
  for (Index k = 0; k < n_; ++k)
    for (Index s = 0; s < signals_; ++s) mixing_.data()[(k * signals_ + s) * signals_ + s] = frequencies[static_cast<std::size_t>(k)];
  if (learned_) add("biases", biases);
}

Var FourierFeatures::operator()(const Var& x) const {
  const Var phase = linear(x, mixing_, Tensor());
  if (!learned_) return concat({sin(phase), cos(phase)}, -1);
  const Var b = reshape(biases, {2, n_ * signals_});
  return concat({sin(phase + slice(b, 0, 0, 1)), cos(phase + slice(b, 0, 1, 2))}, -1);
}

}  // namespace fu
