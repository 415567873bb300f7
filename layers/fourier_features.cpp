#include "layers/fourier_features.h"

#include <cmath>

namespace fu {

std::vector<real> linspace(real begin, real end, Index n) {
  // PyTorch counts from the nearer end. Its whole pairs of vectors of 8 count from the first value of a vector.
  constexpr Index kRun = 8;
  const Index whole = n / (2 * kRun) * 2 * kRun;
  const real step = n > 1 ? (end - begin) / static_cast<real>(n - 1) : 0;
  const auto at = [&](Index i) {
    return i < n / 2 || n == 1 ? std::fma(step, static_cast<real>(i), begin)
                               : std::fma(-step, static_cast<real>(n - 1 - i), end);
  };
  std::vector<real> values;
  for (Index i = 0; i < n; ++i) {
    const Index first = i / kRun * kRun;
    const real counted = step * static_cast<real>(i - first);  // rounded before it is added
    values.push_back(i < whole ? at(first) + counted : at(i));
  }
  return values;
}

namespace {

/// exp(x) with the same rounding as PyTorch's vectorised exp, which differs from the nearest float one time in ten.
/// Published networks were trained with its frequencies, and after a thousand turns the last bit of a frequency changes
/// the phase. source: SLEEF's expf, u10 (sleef.org)
float exp_as_published(float x) {
  const float n = std::nearbyint(x * 1.44269504f);
  float r = std::fma(n, -0.693145751953125f, x);
  r = std::fma(n, -1.428606765330187e-06f, r);
  float p = 0.000198527617612853646f;
  for (float c :
       {0.00139304355252534151f, 0.00833336077630519867f, 0.0416664853692054749f, 0.166666671633720398f, 0.5f})
    p = std::fma(p, r, c);
  return std::ldexp(1.0f + std::fma(r * r, p, r), static_cast<int>(n));
}

}  // namespace

std::vector<real> log_spaced_frequencies(real low, real high, Index n) {
  std::vector<real> frequencies = linspace(low, high, n);
  for (real& f : frequencies)
    f = sizeof(real) == 4 ? static_cast<real>(exp_as_published(static_cast<float>(f))) : std::exp(f);
  return frequencies;
}

FourierFeatures::FourierFeatures(Index signals, std::vector<real> frequencies, bool learned_phases)
    : biases(Tensor::zeros({2, signals, static_cast<Index>(frequencies.size())})),
      signals_(signals),
      n_(static_cast<Index>(frequencies.size())),
      learned_(learned_phases),
      mixing_(Tensor::zeros({signals * n_, signals})) {
  for (Index k = 0; k < n_; ++k)
    for (Index s = 0; s < signals_; ++s) mixing_.data()[(k * signals_ + s) * signals_ + s] = frequencies[usize(k)];
  if (learned_) add("biases", biases);
}

}  // namespace fu
