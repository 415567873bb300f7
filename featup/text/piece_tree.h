// Pieces of text as a tree of characters: finds all that begin at one place of a text in one walk.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base.h"

namespace fu {

class PieceTree {
 public:
  static constexpr int kNone = -1;

  /// Node below `node` by the character c; kNone if no piece continues so. 0 is the root.
  int child(int node, char32_t c) const {
    const auto it = children_.find(key(node, c));
    return it == children_.end() ? kNone : it->second;
  }
  /// Number of the piece that ends at a node, or kNone.
  int piece(int node) const { return pieces_[usize(node)]; }
  /// False if it is there already.
  bool add(std::u32string_view text, int number) {
    int node = 0;
    for (const char32_t c : text) {
      const auto [it, fresh] = children_.emplace(key(node, c), static_cast<int>(pieces_.size()));
      if (fresh) pieces_.push_back(kNone);
      node = it->second;
    }
    int& place = pieces_[usize(node)];
    if (place != kNone) return false;
    place = number;
    return true;
  }

 private:
  static std::uint64_t key(int node, char32_t c) { return static_cast<std::uint64_t>(node) << 21 | c; }

  std::unordered_map<std::uint64_t, int> children_;
  std::vector<int> pieces_ = {kNone};
};

}  // namespace fu
