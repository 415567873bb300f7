#include "featup/text/unicode.h"

#include "featup/text/unicode_tables.h"

namespace fu {

using namespace unicode;

namespace {

/// Bytes of a sequence by its first byte; 0: no sequence begins like this. And the range of its second byte, which
/// rules out longer forms of short codes, surrogates, and what is above U+10FFFF.
struct Sequence {
  int length;
  unsigned char low, high;
};
Sequence sequence_of(unsigned char first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xc2) return {0, 0, 0};
  if (first < 0xe0) return {2, 0x80, 0xbf};
  if (first < 0xf0)
    return {3, static_cast<unsigned char>(first == 0xe0 ? 0xa0 : 0x80),
            static_cast<unsigned char>(first == 0xed ? 0x9f : 0xbf)};
  if (first < 0xf5)
    return {4, static_cast<unsigned char>(first == 0xf0 ? 0x90 : 0x80),
            static_cast<unsigned char>(first == 0xf4 ? 0x8f : 0xbf)};
  return {0, 0, 0};
}

bool is_cased(char32_t c) { return find_run(kCased, c) != nullptr; }
bool is_case_ignored(char32_t c) { return find_run(kCaseIgnored, c) != nullptr; }

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    const Sequence s = sequence_of(first);
    if (s.length <= 1) {
      out += s.length == 1 ? char32_t{first} : kReplacementCharacter;
      continue;
    }
    char32_t c = first & (0x7fu >> s.length);
    int read = 1;
    for (; read < s.length && i < text.size(); ++read, ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if (next < (read == 1 ? s.low : 0x80) || next > (read == 1 ? s.high : 0xbf)) break;
      c = c << 6 | (next & 0x3f);
    }
    out += read == s.length ? c : kReplacementCharacter;
  }
  return out;
}

void append_utf8(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  const unsigned mark = 0xff00u >> (more + 1) & 0xffu;  // 110..., 1110..., 11110...
  out += static_cast<char>(mark | c >> (6 * more));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3f));
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_utf8(c, out);
  return out;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  return find_run(kLetters, c) != nullptr;
}
bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return find_run(kNumbers, c) != nullptr;
}
bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::u32string lower_case(std::u32string_view text, bool final_sigma) {
  std::u32string out;
  out.reserve(text.size());
  // Whether the last character that is not passed over has a case. One flag, so that a long run of marks costs nothing.
  bool after_cased = false;
  std::size_t open_sigma = std::u32string::npos;  // in out: becomes final unless a letter with a case follows
  const auto close = [&] {
    if (open_sigma != std::u32string::npos) out[open_sigma] = 0x3c2;
    open_sigma = std::u32string::npos;
  };
  for (const char32_t c : text) {
    if (final_sigma && !is_case_ignored(c)) {
      const bool cased = is_cased(c);
      if (cased) open_sigma = std::u32string::npos;
      if (!cased) close();
      if (c == 0x3a3 && after_cased) open_sigma = out.size();
      after_cased = cased;
    }
    if (c < 0x80) {
      out += c >= 'A' && c <= 'Z' ? c + 32 : c;
    } else if (c == 0x130) {
      out += U"i\u0307";
    } else {
      const LowerRun* run = find_run(kLower, c);
      out += run && (c - run->first) % run->step == 0 ? static_cast<char32_t>(static_cast<int>(c) + run->delta) : c;
    }
  }
  close();
  return out;
}

const char* unicode_version() { return FU_UNICODE_VERSION; }

}  // namespace fu
