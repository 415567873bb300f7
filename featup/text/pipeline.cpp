#include "featup/text/pipeline.h"

#include <algorithm>

#include "core/error.h"
#include "featup/text/piece_tree.h"
#include "featup/text/unicode.h"

namespace fu {

namespace {

constexpr std::size_t kMostText = std::size_t{1} << 24;
constexpr Index kMostLength = Index{1} << 20;

/// Finds tokens in a text: the leftmost, and of those that begin there the longest.
class TokenFinder {
 public:
  struct Found {
    std::size_t begin, end;
    const AddedToken* token;  // null: none is left
  };

  void add(const AddedToken& token) {
    if (tree_.add(token.text, static_cast<int>(tokens_.size()))) tokens_.push_back(token);
  }
  Found find(std::u32string_view text, std::size_t from) const {
    for (std::size_t i = from; i < text.size() && !tokens_.empty(); ++i) {
      const AddedToken* longest = nullptr;
      int node = 0;
      for (std::size_t end = i; end < text.size(); ++end) {
        node = tree_.child(node, text[end]);
        if (node == PieceTree::kNone) break;
        if (tree_.piece(node) != PieceTree::kNone) longest = &tokens_[usize(tree_.piece(node))];
      }
      if (longest) return widened(text, from, i, *longest);
    }
    return {text.size(), text.size(), nullptr};
  }

 private:
  static Found widened(std::u32string_view text, std::size_t from, std::size_t begin, const AddedToken& token) {
    std::size_t end = begin + token.text.size();
    while (token.strip_left && begin > from && is_space(text[begin - 1])) --begin;
    while (token.strip_right && end < text.size() && is_space(text[end])) ++end;
    return {begin, end, &token};
  }

  PieceTree tree_;
  std::vector<AddedToken> tokens_;
};

class Pipeline : public Tokenizer {
 public:
  explicit Pipeline(TokenizerParts parts) : parts_(std::move(parts)), pieces_(parts_.model->pieces()) {
    for (AddedToken token : parts_.added) {
      pieces_ = std::max(pieces_, token.id + 1);
      if (token.normalized) token.text = normalized(token.text);
      if (!token.text.empty()) (token.normalized ? behind_ : before_).add(token);
    }
  }
  std::string describe() const override { return parts_.description; }
  Index pieces() const override { return pieces_; }
  Index padding() const override { return parts_.padding; }

  std::vector<Index> ids(const std::string& text, Index length, bool* cut) const override {
    const std::size_t around = parts_.start.size() + parts_.end.size();
    require<UsageError>(length >= static_cast<Index>(around) && length <= kMostLength, "[tokenizer] length ", length,
                        " is not within ", around, " (start and end) and ", kMostLength, ".");
    require<UsageError>(text.size() <= kMostText, "[tokenizer] the text has ", text.size(), " bytes, at most ",
                        kMostText, " are read. Cut it.");
    const std::size_t most = usize(length) - around;
    std::vector<Index> body;
    const std::u32string all = decode_utf8(text);
    walk(before_, all, most, body, [&](std::u32string_view part) {
      const std::u32string clean = normalized(std::u32string(part));
      walk(behind_, clean, most, body, [&](std::u32string_view words) { encode(words, most, body); });
    });
    if (cut) *cut = body.size() > most;
    body.resize(std::min(body.size(), most));
    std::vector<Index> out = parts_.start;
    out.insert(out.end(), body.begin(), body.end());
    out.insert(out.end(), parts_.end.begin(), parts_.end.end());
    return out;
  }

 private:
  std::u32string normalized(std::u32string text) const {
    for (const TextStep& step : parts_.normalizers) {
      text = step(std::move(text));
      // Replacements of a file may be longer than what they replace.
      require<UsageError>(text.size() <= 4 * kMostText, "[tokenizer] the text grows to ", text.size(),
                          " characters when it is normalized, at most ", 4 * kMostText, " are read. Cut it.");
    }
    return text;
  }

  /// Gives what stands between the tokens to `between`, and the tokens to `out`, until there are more than `most`.
  template <class F>
  void walk(const TokenFinder& finder, std::u32string_view text, std::size_t most, std::vector<Index>& out,
            const F& between) const {
    for (std::size_t at = 0; at < text.size() && out.size() <= most;) {
      const TokenFinder::Found found = finder.find(text, at);
      if (found.begin > at) between(text.substr(at, found.begin - at));
      if (found.token && out.size() <= most) out.push_back(found.token->id);
      at = found.end;
    }
  }

  void encode(std::u32string_view text, std::size_t most, std::vector<Index>& out) const {
    Pieces words{std::u32string(text)};
    for (const SplitStep& step : parts_.splits) words = step(std::move(words));
    for (const std::u32string& word : words) {
      if (out.size() > most) return;
      if (!word.empty()) parts_.model->encode(word, most, out);
    }
  }

  TokenizerParts parts_;
  Index pieces_;
  TokenFinder before_, behind_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerParts parts) { return std::make_unique<Pipeline>(std::move(parts)); }

}  // namespace fu
