#include "core/random.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"

namespace fu {

Philox philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  std::uint32_t c[4] = {static_cast<std::uint32_t>(counter_low), static_cast<std::uint32_t>(counter_low >> 32),
                        static_cast<std::uint32_t>(counter_high), static_cast<std::uint32_t>(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    const std::uint32_t n[4] = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
                                static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
    for (int i = 0; i < 4; ++i) c[i] = n[i];
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c[0], c[1], c[2], c[3]}};
}

std::uint32_t Random::next() {
  const std::uint64_t i = position_++;
  return philox(seed_, i / 4, stream_).word[i % 4];
}

real Random::uniform() { return static_cast<real>(next() >> 8) * static_cast<real>(1.0 / 16777216.0); }

real Random::normal() {
  // Always two words per number, so that the position does not depend on the values. The second normal number that
  // Box-Muller gives is not used.
  const double u = (static_cast<double>(next()) + 0.5) / 4294967296.0, v = static_cast<double>(next()) / 4294967296.0;
  return static_cast<real>(std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
}

Index Random::below(Index n) {
  require<ShapeError>(n >= 1, "[random] below(", n, "): the bound must be 1 or more.");
  const std::uint64_t high = next(), low = next();
  return static_cast<Index>((high << 32 | low) % static_cast<std::uint64_t>(n));
}

Tensor Random::uniform(const Shape& shape, real low, real high) {
  // One counter gives four numbers. Counters are computed in parallel; the first and the last may be used in part.
  Tensor t(shape);
  const std::uint64_t first = position_, last = position_ + static_cast<std::uint64_t>(t.size());
  real* const out = t.data();
  parallel_ranges(static_cast<Index>((last + 3) / 4 - first / 4), 4096, [&](Index begin, Index end) {
    for (std::uint64_t block = first / 4 + static_cast<std::uint64_t>(begin);
         block < first / 4 + static_cast<std::uint64_t>(end); ++block) {
      const Philox words = philox(seed_, block, stream_);
      for (std::uint64_t i = std::max(first, 4 * block); i < std::min(last, 4 * block + 4); ++i)
        out[i - first] =
            low + (high - low) * (static_cast<real>(words.word[i % 4] >> 8) * static_cast<real>(1.0 / 16777216.0));
    }
  });
  position_ = last;
  return t;
}

Tensor Random::normal(const Shape& shape) {
  Tensor t(shape);
  for (Index i = 0; i < t.size(); ++i) t.data()[i] = normal();
  return t;
}

}  // namespace fu
