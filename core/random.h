// Random numbers as a function of seed and position alone: any element of a stream can be had without those before it,
// so results do not depend on how work is shared among threads, and a run can be resumed anywhere.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Four independent 32-bit words for a counter. source: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3" (SC 2011).
struct Philox {
  std::uint32_t word[4];
};
Philox philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// A stream of draws: element i of stream s under seed k is always the same number. Copying a stream copies its
/// position.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Uniform in [0, 1), 24 bits.
  real uniform();
  real uniform(real low, real high) { return low + (high - low) * uniform(); }
  /// Standard normal (Box-Muller).
  real normal();
  /// Uniform over [0, n), n >= 1.
  Index below(Index n);

  Tensor uniform(const Shape& shape, real low, real high);
  Tensor normal(const Shape& shape);

  /// Draws taken so far; set it to resume a stream.
  std::uint64_t position() const { return position_; }
  void seek(std::uint64_t position) { position_ = position; }

 private:
  std::uint32_t next();

  std::uint64_t seed_, stream_, position_ = 0;
};

}  // namespace fu
