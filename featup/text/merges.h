// Byte-pair encoding: neighbouring symbols are merged, the pair of lowest rank first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base.h"

namespace fu {

using Symbol = std::int32_t;  // the number of a piece

/// Pieces and their numbers. Not all numbers must be taken.
class Vocabulary {
 public:
  /// throws FileError beginning with `owner` if the number is out of range, or it or the piece is there already.
  void add(const std::string& piece, Index number, const std::string& owner);
  Symbol find(const std::string& piece) const {
    const auto it = numbers_.find(piece);
    return it == numbers_.end() ? -1 : it->second;
  }
  /// throws FileError if the piece is missing.
  Symbol at(const std::string& piece, const std::string& owner) const;
  /// One above the highest number.
  std::size_t size() const { return pieces_.size(); }
  /// By number; empty where there is none.
  const std::vector<std::string>& pieces() const { return pieces_; }

 private:
  std::unordered_map<std::string, Symbol> numbers_;
  std::vector<std::string> pieces_;
};

/// Which of two equal pairs is merged first when a merge has just made a pair of lower rank.
enum class MergeOrder {
  rounds,  // all pairs of a rank, then the new ones: OpenAI's code
  lowest,  // always the lowest rank, of these the leftmost: Hugging Face's tokenizers, SentencePiece
};

class Merges {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;  // in the order of their ranks
  static constexpr std::size_t kMost = std::size_t{1} << 21;       // Gemma has 580604

  Merges() = default;
  /// throws FileError beginning with `owner` if a pair is there twice, or it or what it becomes is not in the
  /// vocabulary.
  Merges(const Vocabulary& vocabulary, const Pairs& pairs, MergeOrder order, const std::string& owner);

  /// Merges until no pair is known, and appends the symbols that are left. It may stop as soon as `out` has more than
  /// `most` elements.   cost: n log n, and 40 bytes a symbol of the longest run whose neighbours can be merged.
  void apply(const std::vector<Symbol>& symbols, std::size_t most, std::vector<Index>& out) const;

 private:
  struct Merge {
    std::uint64_t pair;
    std::int32_t rank;
    Symbol joined;
  };
  class Run;
  const Merge* find(Symbol left, Symbol right) const;
  bool can_meet(Symbol left, Symbol right) const;

  MergeOrder order_ = MergeOrder::lowest;
  std::vector<Merge> merges_;            // sorted by pair
  std::vector<std::uint64_t> meetings_;  // sorted: last character of a left, first of a right symbol of some merge
  std::vector<char32_t> first_, last_;   // characters of each symbol
};

}  // namespace fu
