#include "featup/text/pattern.h"

#include <algorithm>
#include <limits>

#include "core/files/bytes.h"
#include "featup/text/unicode.h"

namespace fu {

/// Reads an expression from left to right.
class PatternReader {
 public:
  PatternReader(const std::string& expression, const std::string& owner)
      : expression_(expression), owner_(owner), text_(decode_utf8(expression)) {}

  std::vector<std::vector<Pattern::Element>> alternatives() {
    std::vector<std::vector<Pattern::Element>> all(1);
    while (at_ < text_.size()) {
      if (text_[at_] == '|') {
        if (all.back().empty()) refuse();
        ++at_;
        all.emplace_back();
        continue;
      }
      // Behind a repetition, a match might have to give characters back.
      if (!all.back().empty() && all.back().back().most != 1) refuse();
      all.back().push_back(element());
    }
    if (all.back().empty()) refuse();
    return all;
  }

 private:
  [[noreturn]] void refuse() const {
    throw FileError(owner_ + ": the regular expression '" + printable(expression_) +
                    "' is not supported: only alternatives of characters and classes, the last of each repeated.");
  }
  char32_t next() {
    if (at_ == text_.size()) refuse();
    return text_[at_++];
  }
  bool take(std::u32string_view what) {
    if (text_.compare(at_, what.size(), what) != 0) return false;
    at_ += what.size();
    return true;
  }

  /// Behind a backslash.
  void escape(Pattern::Element& e) {
    if (take(U"p{L}")) {
      e.letters = true;
    } else if (take(U"p{N}")) {
      e.numbers = true;
    } else if (take(U"s")) {
      e.spaces = true;
    } else if (take(U"n")) {
      e.ranges.emplace_back('\n', '\n');
    } else if (take(U"t")) {
      e.ranges.emplace_back('\t', '\t');
    } else if (take(U"r")) {
      e.ranges.emplace_back('\r', '\r');
    } else {
      const char32_t c = next();
      if (is_letter(c) || is_number(c)) refuse();  // \b, \1, \x: they have a meaning
      e.ranges.emplace_back(c, c);
    }
  }

  void set(Pattern::Element& e) {
    e.negated = take(U"^");
    for (bool first = true; !take(U"]"); first = false) {
      const char32_t c = next();
      if (c == '\\') {
        escape(e);
        continue;
      }
      const bool meaning = c == '[' || (c == '&' && at_ < text_.size() && text_[at_] == '&');
      if (meaning || (c == '-' && !first && at_ < text_.size() && text_[at_] != ']')) refuse();
      char32_t last = c;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        last = next();
        if (last == '\\') last = next();
        if (last < c) refuse();
      }
      e.ranges.emplace_back(c, last);
    }
    if (e.ranges.empty() && !e.letters && !e.numbers && !e.spaces) refuse();
  }

  Pattern::Element element() {
    Pattern::Element e;
    const char32_t c = next();
    if (c == '\\') {
      escape(e);
    } else if (c == '[') {
      set(e);
    } else {
      if (std::u32string_view(U".^$*+?(){}").find(c) != std::u32string_view::npos) refuse();
      e.ranges.emplace_back(c, c);
    }
    repetition(e);
    return e;
  }

  void repetition(Pattern::Element& e) {
    constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
    if (take(U"+")) {
      e.most = kAny;
    } else if (take(U"{")) {
      const char32_t digit = next();
      if (digit < '1' || digit > '9' || !take(U",}")) refuse();
      e.least = digit - '0', e.most = kAny;
    }
    if (at_ < text_.size() && std::u32string_view(U"*+?{").find(text_[at_]) != std::u32string_view::npos) refuse();
  }

  const std::string &expression_, &owner_;
  std::u32string text_;
  std::size_t at_ = 0;
};

Pattern::Pattern(const std::string& expression, const std::string& owner)
    : alternatives_(PatternReader(expression, owner).alternatives()) {}

Pattern Pattern::literal(std::u32string_view text) {
  Pattern pattern;
  pattern.alternatives_.emplace_back();
  for (const char32_t c : text) {
    pattern.alternatives_.back().emplace_back();
    pattern.alternatives_.back().back().ranges.emplace_back(c, c);
  }
  return pattern;
}

bool Pattern::Element::accepts(char32_t c) const {
  const bool inside = (letters && is_letter(c)) || (numbers && is_number(c)) || (spaces && is_space(c)) ||
                      std::any_of(ranges.begin(), ranges.end(), [c](auto r) { return r.first <= c && c <= r.second; });
  return inside != negated;
}

std::size_t Pattern::match(std::u32string_view text, std::size_t at) const {
  for (const std::vector<Element>& alternative : alternatives_) {
    std::size_t end = at;
    bool matches = true;
    for (const Element& e : alternative) {
      std::size_t count = 0;
      while (count < e.most && end < text.size() && e.accepts(text[end])) ++count, ++end;
      matches = count >= e.least;
      if (!matches) break;
    }
    if (matches && end > at) return end - at;
  }
  return 0;
}

std::u32string Pattern::replace(std::u32string_view text, std::u32string_view by) const {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = match(text, i);
    if (length) {
      out += by;
    } else {
      out += text[i];
    }
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

namespace {

struct Span {
  std::size_t begin, end;
  bool separator;
};

std::vector<Span> spans_of(std::u32string_view text, const Pattern& pattern, bool invert) {
  std::vector<Span> spans;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = pattern.match(text, i);
    if (!length) {
      ++i;
      continue;
    }
    if (i > done) spans.push_back({done, i, invert});
    spans.push_back({i, i + length, !invert});
    done = i += length;
  }
  if (done < text.size()) spans.push_back({done, text.size(), invert});
  return spans;
}

/// A separator joins the piece before it, unless that is a separator too.
void merge_with_previous(std::vector<Span>& spans) {
  std::vector<Span> merged;
  bool after_separator = false;
  for (const Span& s : spans) {
    if (s.separator && !after_separator && !merged.empty()) {
      merged.back().end = s.end;
    } else {
      merged.push_back(s);
    }
    after_separator = s.separator;
  }
  spans = std::move(merged);
}

void merge_with_next(std::vector<Span>& spans) {
  std::vector<Span> merged;
  bool before_separator = false;
  for (auto s = spans.rbegin(); s != spans.rend(); ++s) {
    if (s->separator && !before_separator && !merged.empty()) {
      merged.back().begin = s->begin;
    } else {
      merged.push_back(*s);
    }
    before_separator = s->separator;
  }
  spans.assign(merged.rbegin(), merged.rend());
}

}  // namespace

Pieces split(const Pieces& texts, const Pattern& pattern, SplitBehavior behavior, bool invert) {
  Pieces pieces;
  for (const std::u32string& text : texts) {
    std::vector<Span> spans = spans_of(text, pattern, invert);
    if (behavior == SplitBehavior::merged_with_previous) merge_with_previous(spans);
    if (behavior == SplitBehavior::merged_with_next) merge_with_next(spans);
    for (const Span& s : spans)
      if (!s.separator || behavior != SplitBehavior::removed) pieces.push_back(text.substr(s.begin, s.end - s.begin));
  }
  return pieces;
}

}  // namespace fu
