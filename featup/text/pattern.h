// The regular expressions that tokenizers' files use, and how text is cut by them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fu {

using Pieces = std::vector<std::u32string>;

/// Alternatives (`a|b`) of characters, classes (`[^\s\p{L}]`, `\s`, `\p{L}`, `\p{N}`) and escapes; the last element of
/// an alternative may repeat (`+`, `{2,}`). Of such an expression the first alternative that matches, taken as long as
/// it goes, is what every engine finds, without ever going back: matching a text costs linear time.
class Pattern {
 public:
  /// throws FileError naming the expression if it holds anything else. owner: how the message begins.
  Pattern(const std::string& expression, const std::string& owner);
  /// Matches this text alone.
  static Pattern literal(std::u32string_view text);

  /// Characters of the match that begins at `at`; 0 if none does.
  std::size_t match(std::u32string_view text, std::size_t at) const;
  std::u32string replace(std::u32string_view text, std::u32string_view by) const;

 private:
  friend class PatternReader;
  struct Element {
    bool negated = false, letters = false, numbers = false, spaces = false;
    std::vector<std::pair<char32_t, char32_t>> ranges;
    std::size_t least = 1, most = 1;  // repetitions
    bool accepts(char32_t c) const;
  };
  Pattern() = default;

  std::vector<std::vector<Element>> alternatives_;
};

/// What becomes of the matches of a pattern when a text is cut at them.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next };

/// Cuts each text; empty pieces are left out. invert: the matches are the pieces, and what is between them the
/// separators.
Pieces split(const Pieces& texts, const Pattern& pattern, SplitBehavior behavior, bool invert);

}  // namespace fu
