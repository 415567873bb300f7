#include "featup/text/unigram.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "core/files/bytes.h"
#include "featup/text/piece_tree.h"
#include "featup/text/unicode.h"

namespace fu {

namespace {

/// An unknown character costs this much more than the rarest piece. source: SentencePiece's kUnkPenalty
constexpr double kUnknownPenalty = 10;

class Unigram : public PieceModel {
 public:
  Unigram(const std::vector<std::pair<std::string, double>>& pieces, Index unknown, const std::string& owner)
      : unknown_(static_cast<int>(unknown)) {
    constexpr std::size_t kMost = std::size_t{1} << 20;
    require<FileError>(pieces.size() <= kMost, owner, ": has ", pieces.size(), " pieces, at most ", kMost,
                       " are read.");
    require<FileError>(unknown >= 0 && unknown < static_cast<Index>(pieces.size()), owner, ": unk_id is ", unknown,
                       ", which is none of its ", pieces.size(), " pieces.");
    for (const auto& [text, score] : pieces) {
      const int number = static_cast<int>(scores_.size());
      require<FileError>(!text.empty() && std::isfinite(score), owner, ": piece ", number, ", '", printable(text),
                         "', is empty or has no finite score.");
      require<FileError>(tree_.add(decode_utf8(text), number), owner, ": has the piece '", printable(text), "' twice.");
      scores_.push_back(score);
      numbers_.emplace(text, number);
    }
    unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
  }
  Index pieces() const override { return static_cast<Index>(scores_.size()); }
  Index find(const std::string& piece) const override {
    const auto it = numbers_.find(piece);
    return it == numbers_.end() ? -1 : it->second;
  }

  void encode(std::u32string_view word, std::size_t, std::vector<Index>& out) const override {
    // best[i]: the best way to cut the first i characters. Viterbi, from left to right.
    std::vector<Cut> best(word.size() + 1);
    best[0].score = 0;
    for (std::size_t i = 0; i < word.size(); ++i) {
      bool alone = false;  // whether the character at i is a piece
      int node = 0;
      for (std::size_t end = i; end < word.size();) {
        node = tree_.child(node, word[end++]);
        if (node == PieceTree::kNone) break;
        const int piece = tree_.piece(node);
        if (piece == PieceTree::kNone) continue;
        best[end].improve(best[i].score + scores_[usize(piece)], i, piece);
        alone = alone || end == i + 1;
      }
      if (!alone) best[i + 1].improve(best[i].score + unknown_score_, i, unknown_);
    }
    const std::size_t before = out.size();
    for (std::size_t end = word.size(); end > 0; end = best[end].begin) {
      const bool again = best[end].piece == unknown_ && out.size() > before && out.back() == unknown_;
      if (!again) out.push_back(best[end].piece);
    }
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
  }

 private:
  struct Cut {
    double score = -INFINITY;
    std::uint32_t begin = 0;
    int piece = 0;
    void improve(double other, std::size_t from, int number) {
      if (other > score) *this = {other, static_cast<std::uint32_t>(from), number};
    }
  };

  PieceTree tree_;
  std::vector<double> scores_;
  std::unordered_map<std::string, int> numbers_;
  int unknown_;
  double unknown_score_ = 0;
};

}  // namespace

std::shared_ptr<const PieceModel> make_unigram_model(const std::vector<std::pair<std::string, double>>& pieces,
                                                     Index unknown, const std::string& owner) {
  return std::make_shared<Unigram>(pieces, unknown, owner);
}

}  // namespace fu
