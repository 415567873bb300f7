#include "featup/text/merges.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "core/files/bytes.h"
#include "featup/text/unicode.h"

namespace fu {

namespace {

constexpr Index kMostPieces = Index{1} << 20;

std::uint64_t pair_of(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }
std::uint64_t pair_of(Symbol a, Symbol b) {
  return pair_of(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
}

}  // namespace

void Vocabulary::add(const std::string& piece, Index number, const std::string& owner) {
  require<FileError>(number >= 0 && number < kMostPieces, owner, ": piece '", printable(piece), "' has the number ",
                     number, ", expected 0 to ", kMostPieces - 1, ".");
  const std::size_t n = usize(number);
  if (n >= pieces_.size()) pieces_.resize(n + 1);
  require<FileError>(numbers_.emplace(piece, static_cast<Symbol>(n)).second, owner, ": has the piece '",
                     printable(piece), "' twice.");
  require<FileError>(pieces_[n].empty(), owner, ": the pieces '", printable(pieces_[n]), "' and '", printable(piece),
                     "' have the same number ", number, ".");
  pieces_[n] = piece;
}

Symbol Vocabulary::at(const std::string& piece, const std::string& owner) const {
  const Symbol s = find(piece);
  require<FileError>(s >= 0, owner, ": the vocabulary has no piece '", printable(piece), "'.");
  return s;
}

Merges::Merges(const Vocabulary& vocabulary, const Pairs& pairs, MergeOrder order, const std::string& owner)
    : order_(order) {
  require<FileError>(pairs.size() <= kMost, owner, ": has ", pairs.size(), " merges, at most ", kMost, " are read.");
  for (const std::string& piece : vocabulary.pieces()) {
    const std::u32string text = decode_utf8(piece);
    first_.push_back(text.empty() ? 0 : text.front());
    last_.push_back(text.empty() ? 0 : text.back());
  }
  merges_.reserve(pairs.size());
  for (const auto& [left, right] : pairs) {
    const Symbol a = vocabulary.at(left, owner), b = vocabulary.at(right, owner);
    const Symbol joined = vocabulary.at(left + right, owner);
    merges_.push_back({pair_of(a, b), static_cast<std::int32_t>(merges_.size()), joined});
    meetings_.push_back(pair_of(last_[usize(a)], first_[usize(b)]));
  }
  std::sort(merges_.begin(), merges_.end(), [](const Merge& a, const Merge& b) { return a.pair < b.pair; });
  const auto twice = std::adjacent_find(merges_.begin(), merges_.end(),
                                        [](const Merge& a, const Merge& b) { return a.pair == b.pair; });
  if (twice != merges_.end()) {
    const auto& [left, right] = pairs[usize(twice->rank)];
    throw FileError(owner + ": has the merge '" + printable(left) + " " + printable(right) + "' twice.");
  }
  std::sort(meetings_.begin(), meetings_.end());
  meetings_.erase(std::unique(meetings_.begin(), meetings_.end()), meetings_.end());
}

const Merges::Merge* Merges::find(Symbol left, Symbol right) const {
  const std::uint64_t pair = pair_of(left, right);
  const auto it = std::lower_bound(merges_.begin(), merges_.end(), pair,
                                   [](const Merge& m, std::uint64_t p) { return m.pair < p; });
  return it != merges_.end() && it->pair == pair ? &*it : nullptr;
}

bool Merges::can_meet(Symbol left, Symbol right) const {
  return std::binary_search(meetings_.begin(), meetings_.end(), pair_of(last_[usize(left)], first_[usize(right)]));
}

/// Symbols as a linked list, and the pairs that can be merged in a heap.
class Merges::Run {
 public:
  Run(const Merges& merges, const Symbol* symbols, std::size_t n) : merges_(merges), nodes_(n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::int32_t>(i);
      nodes_[i] = {symbols[i], at - 1, i + 1 < n ? at + 1 : -1};
    }
    for (std::size_t i = 0; i + 1 < n; ++i) offer(static_cast<std::int32_t>(i));
  }

  void merge_all() {
    std::uint64_t rank = ~std::uint64_t{0};
    for (;;) {
      const bool wait = merges_.order_ == MergeOrder::rounds && !heap_.empty() && heap_.front() >> 32 == rank;
      if (!wait) admit();
      if (heap_.empty()) return;
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      const std::uint64_t best = heap_.back();
      heap_.pop_back();
      rank = best >> 32;
      const auto at = static_cast<std::int32_t>(best & 0xffffffff);
      Node& left = nodes_[usize(at)];
      // A symbol of the pair may have been merged with another since: then there is another pair, or none.
      if (left.symbol < 0 || left.next < 0) continue;
      Node& right = nodes_[usize(left.next)];
      const Merge* merge = merges_.find(left.symbol, right.symbol);
      if (!merge || static_cast<std::uint64_t>(merge->rank) != rank) continue;
      left.symbol = merge->joined;
      right.symbol = -1;
      left.next = right.next;
      if (left.next >= 0) {
        nodes_[usize(left.next)].previous = at;
        offer(at);
      }
      if (left.previous >= 0) offer(left.previous);
    }
  }

  void append(std::vector<Index>& out) const {
    for (std::int32_t at = 0; at >= 0; at = nodes_[usize(at)].next) out.push_back(nodes_[usize(at)].symbol);
  }

 private:
  struct Node {
    Symbol symbol;  // -1: it was merged into the one on its left
    std::int32_t previous, next;
  };
  void offer(std::int32_t at) {
    const Symbol left = nodes_[usize(at)].symbol, right = nodes_[usize(nodes_[usize(at)].next)].symbol;
    if (const Merge* m = merges_.find(left, right)) fresh_.push_back(pair_of(m->rank, at));
  }
  void admit() {
    if (heap_.empty()) {
      heap_.swap(fresh_);
      std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
    for (const std::uint64_t pair : fresh_) {
      heap_.push_back(pair);
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
    fresh_.clear();
  }

  const Merges& merges_;
  std::vector<Node> nodes_;
  std::vector<std::uint64_t> heap_, fresh_;  // rank of a pair, and where it begins: the lowest rank is the least number
};

void Merges::apply(const std::vector<Symbol>& symbols, std::size_t most, std::vector<Index>& out) const {
  // Nothing is ever merged across two characters that no merge brings together: the runs between them stand alone. A
  // long text is so cut into short runs, and the first ones suffice for the first pieces.
  for (std::size_t begin = 0; begin < symbols.size() && out.size() <= most;) {
    std::size_t end = begin + 1;
    while (end < symbols.size() && can_meet(symbols[end - 1], symbols[end])) ++end;
    if (end == begin + 1) {
      out.push_back(symbols[begin]);
    } else {
      Run run(*this, symbols.data() + begin, end - begin);
      run.merge_all();
      run.append(out);
    }
    begin = end;
  }
}

}  // namespace fu
