// Random numbers that depend on the seed and the position in their stream alone. Any of them can be computed without
// those before it. So results do not depend on how threads share the work, and a run can be resumed at any step.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Four independent, uniformly distributed 32-bit words for each key and 128-bit counter.
/// source: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
struct Philox {
  std::uint32_t word[4];
};
/// The words of a key and a counter. cost: 10 rounds of two multiplications each.
Philox philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// A stream of random numbers and a position in it. Seed, stream and position determine the next number. A copy begins
/// at the same position. Not for use by several threads at once.
/// @code
/// Random random(7);
/// const Tensor a = random.normal({2, 3});  // takes 12 positions
/// random.seek(0);
/// assert(random.normal() == a.data()[0]);  // the same numbers again
/// @endcode
class Random {
 public:
  /// At position 0 of that stream. Streams of one seed are independent.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Uniform in [0, 1), in steps of 2^-24. Takes one position of the stream.
  real uniform();
  real uniform(real low, real high) { return low + (high - low) * uniform(); }
  /// Normal, mean 0, standard deviation 1 (Box-Muller). Takes two positions.
  real normal();
  /// Uniform over the integers [0, n). Takes two positions. throws ShapeError if n < 1.
  Index below(Index n);

  /// A tensor of the numbers that single calls would give one after another.
  Tensor uniform(const Shape& shape, real low, real high);
  /// The same for calls of normal().
  Tensor normal(const Shape& shape);

  /// Number of 32-bit words taken so far. seek() continues from there.
  std::uint64_t position() const { return position_; }
  /// Goes to a position, forwards or backwards. cost: none of the numbers between is computed.
  void seek(std::uint64_t position) { position_ = position; }

 private:
  std::uint32_t next();

  std::uint64_t seed_, stream_, position_ = 0;
};

}  // namespace fu
