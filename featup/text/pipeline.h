// What all tokenizers have in common: text is cleaned, cut into words, the words into pieces; special tokens around.
#pragma once

#include <functional>
#include <string_view>

#include "featup/text/pattern.h"
#include "featup/text/tokenizer.h"

namespace fu {

using TextStep = std::function<std::u32string(std::u32string)>;
using SplitStep = std::function<Pieces(Pieces)>;

/// How a word becomes pieces of a vocabulary.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  /// Appends the numbers of a word's pieces. It may stop as soon as `out` has more than `most` elements.
  virtual void encode(std::u32string_view word, std::size_t most, std::vector<Index>& out) const = 0;
  virtual Index pieces() const = 0;
  /// Number of a piece; -1 if there is none.
  virtual Index find(const std::string& piece) const = 0;
};

/// A token that is looked for in the text before it is cut.
struct AddedToken {
  std::u32string text;
  Index id = 0;
  bool strip_left = false, strip_right = false;  // takes the white space beside it along
  bool normalized = false;                       // looked for behind the normalizers, otherwise before them
};

struct TokenizerParts {
  std::string description;
  std::vector<AddedToken> added;
  std::vector<TextStep> normalizers;
  std::vector<SplitStep> splits;
  std::shared_ptr<const PieceModel> model;
  std::vector<Index> start, end;
  Index padding = -1;
};

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerParts parts);

}  // namespace fu
