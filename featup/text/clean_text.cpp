#include "featup/text/clean_text.h"

#include <algorithm>

#include "featup/text/unicode.h"

namespace fu {

namespace {

// What browsers read &#128; to &#159; as: Windows-1252, and the control characters where that has nothing.
constexpr char32_t kWindows1252[] = {0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                     0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
                                     0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};

struct Entity {
  std::u32string_view name;
  char32_t character;
  bool bare;  // the semicolon may be missing
};
constexpr Entity kEntities[] = {
    {U"amp", '&', true}, {U"AMP", '&', true},  {U"lt", '<', true},   {U"LT", '<', true},    {U"gt", '>', true},
    {U"GT", '>', true},  {U"quot", '"', true}, {U"QUOT", '"', true}, {U"nbsp", 0xa0, true}, {U"apos", '\'', false}};

bool is_alphanumeric(char32_t c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

void append_numbered(char32_t c, std::u32string& out) {
  const bool control = c < 32 ? c != '\t' && c != '\n' && c != '\f' && c != '\r' : c == 0x7f;
  const bool no_character = (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
  if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
    out += kReplacementCharacter;
  } else if (c >= 0x80 && c <= 0x9f) {
    out += kWindows1252[c - 0x80];
  } else if (!control && !no_character) {
    out += c;
  }
}

/// The value of a digit, -1 if it is none.
int digit_of(char32_t c, int base) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  const char32_t low = c | 0x20;
  return base == 16 && low >= 'a' && low <= 'f' ? static_cast<int>(low - 'a') + 10 : -1;
}

/// Reads the entity at `at`, which holds '&', and returns its length; 0 if it is none.
std::size_t take_entity(std::u32string_view text, std::size_t at, std::u32string& out) {
  std::size_t i = at + 1;
  const auto here = [&](std::size_t n) { return n < text.size() ? text[n] : char32_t{0}; };
  if (here(i) == '#') {
    const int base = (here(i + 1) | 0x20) == 'x' ? 16 : 10;
    i += base == 16 ? 2 : 1;
    const std::size_t first = i;
    char32_t c = 0;
    for (int digit; (digit = digit_of(here(i), base)) >= 0; ++i)
      c = std::min<char32_t>(c * static_cast<char32_t>(base) + static_cast<char32_t>(digit), 0x110000);
    if (i == first) return 0;
    append_numbered(c, out);
    return i + (here(i) == ';') - at;
  }
  for (const Entity& e : kEntities) {
    if (text.compare(i, e.name.size(), e.name) != 0) continue;
    const std::size_t end = i + e.name.size();
    if (here(end) != ';' && (!e.bare || is_alphanumeric(here(end)))) continue;
    out += e.character;
    return end + (here(end) == ';') - at;
  }
  return 0;
}

/// Control characters that ftfy removes.
bool is_removed(char32_t c) {
  return (c < 32 && c != '\t' && c != '\n' && c != '\f' && c != '\r') || c == 0x7f || (c >= 0x206a && c <= 0x206f) ||
         c == 0xfeff || (c >= 0xfff9 && c <= 0xfffc);
}

bool is_ascii_punctuation(char32_t c) { return c > 32 && c < 127 && !is_alphanumeric(c); }

}  // namespace

std::u32string collapse_space(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  bool space = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += U' ';
    space = false;
    out += c;
  }
  return out;
}

std::u32string unescape_html(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = text[i] == '&' ? take_entity(text, i, out) : 0;
    if (!length) out += text[i];
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::u32string clean_for_clip(std::u32string_view text) {
  std::u32string fixed;
  fixed.reserve(text.size());
  for (const char32_t c : text) {
    if (is_removed(c)) continue;
    const bool single = c == 0x2bc || (c >= 0x2018 && c <= 0x201b), twin = c >= 0x201c && c <= 0x201f;
    fixed += single ? U'\'' : twin ? U'"' : c;
  }
  fixed = unescape_html(unescape_html(compose(std::move(fixed))));
  return lower_case(collapse_space(fixed), true);
}

std::u32string clean_for_siglip(std::u32string_view text) {
  std::u32string low = lower_case(text, false);
  low.erase(std::remove_if(low.begin(), low.end(), is_ascii_punctuation), low.end());
  return collapse_space(low);
}

}  // namespace fu
