// Normalization form C.
#include <vector>

#include "featup/text/unicode.h"
#include "featup/text/unicode_tables.h"

namespace fu {

using namespace unicode;

namespace {

/// Nothing below is a combining mark, or the second half of a composition.
constexpr char32_t kFirstMark = 0x300;

// Korean syllables are composed by arithmetic (Unicode standard 3.12): leading consonant, vowel, trailing consonant.
constexpr char32_t kSyllable = 0xac00, kLeading = 0x1100, kVowel = 0x1161, kTrailing = 0x11a7;
constexpr char32_t kLeadings = 19, kVowels = 21, kTrailings = 28, kSyllables = kLeadings * kVowels * kTrailings;

int combining_class(char32_t c) {
  const CombiningRun* run = c < kFirstMark ? nullptr : find_run(kCombining, c);
  return run ? run->number : 0;
}

void decompose(char32_t c, std::u32string& out) {
  if (c >= kSyllable && c < kSyllable + kSyllables) {
    const char32_t i = c - kSyllable, trailing = i % kTrailings;
    out += kLeading + i / (kVowels * kTrailings);
    out += kVowel + i % (kVowels * kTrailings) / kTrailings;
    if (trailing) out += kTrailing + trailing;
    return;
  }
  const auto* end = std::end(kDecompositions);
  const auto* row = std::lower_bound(std::begin(kDecompositions), end, c,
                                     [](const Decomposition& d, char32_t x) { return d.composed < x; });
  if (row == end || row->composed != c) {
    out += c;
    return;
  }
  decompose(row->first, out);  // at most four deep
  if (row->second) decompose(row->second, out);
}

/// The pairs that compose, sorted by pair.
const std::vector<Decomposition>& compositions() {
  static const std::vector<Decomposition> sorted = [] {
    std::vector<Decomposition> rows;
    for (const Decomposition& d : kDecompositions)
      if (d.second && !find_run(kLeftApart, d.composed)) rows.push_back(d);
    std::sort(rows.begin(), rows.end(), [](const Decomposition& a, const Decomposition& b) {
      return a.first != b.first ? a.first < b.first : a.second < b.second;
    });
    return rows;
  }();
  return sorted;
}

/// What a and b become together; 0 if they stay apart.
char32_t composed(char32_t a, char32_t b) {
  if (a >= kLeading && a < kLeading + kLeadings && b >= kVowel && b < kVowel + kVowels)
    return kSyllable + ((a - kLeading) * kVowels + (b - kVowel)) * kTrailings;
  if (a >= kSyllable && a < kSyllable + kSyllables && (a - kSyllable) % kTrailings == 0 && b > kTrailing &&
      b < kTrailing + kTrailings)
    return a + (b - kTrailing);
  const auto& rows = compositions();
  const auto row = std::lower_bound(rows.begin(), rows.end(), a, [b](const Decomposition& d, char32_t x) {
    return d.first != x ? d.first < x : d.second < b;
  });
  return row != rows.end() && row->first == a && row->second == b ? row->composed : 0;
}

/// Brings the marks behind each letter into the order of their classes; equal ones keep theirs.
void order_marks(std::u32string& text) {
  for (std::size_t i = 0; i < text.size();) {
    if (combining_class(text[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i), text.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    i = end;
  }
}

}  // namespace

std::u32string compose(std::u32string text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < kFirstMark; })) return text;
  std::u32string apart;
  apart.reserve(text.size());
  for (const char32_t c : text) decompose(c, apart);
  order_marks(apart);
  std::u32string out;
  out.reserve(apart.size());
  std::size_t starter = std::u32string::npos;  // in out: the last character of class 0
  int before = 0;                              // class of the last mark that stayed behind the starter
  for (const char32_t c : apart) {
    const int own = combining_class(c);
    // A mark is blocked from its letter by another one of the same class, a letter by any mark between.
    const bool adjacent = starter != std::u32string::npos && starter + 1 == out.size();
    if (starter != std::u32string::npos && (adjacent || before < own)) {
      if (const char32_t both = composed(out[starter], c)) {
        out[starter] = both;
        continue;
      }
    }
    out += c;
    before = own;
    if (own == 0) starter = out.size() - 1;
  }
  return out;
}

}  // namespace fu
