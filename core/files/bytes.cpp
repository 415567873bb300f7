#include "core/files/bytes.h"

#include <algorithm>

namespace fu {

std::uint64_t read_le(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

namespace {

/// Bytes of the UTF-8 character at `at`, and what it is; 0 for bytes that are none.
std::size_t character(std::string_view text, std::size_t at, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size() - at) return 0;
  code = length == 1 ? first : first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(at + i) & 0x3f);
  }
  const bool longer_than_needed = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  return longer_than_needed || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}

bool changes_the_terminal(std::uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
  const bool direction =
      c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || direction;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = character(text, at, code);
    if (length == 0 || changes_the_terminal(code))
      out += '?';
    else
      out += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 80;
  if (text.size() <= kMost) return shown(text);
  std::size_t end = kMost;  // not within a character
  while (end > kMost - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return shown(text.substr(0, end)) + "...";
}

void check_json_texts(std::string_view json, const std::string& path) {
  constexpr std::size_t kLongest = std::size_t{1} << 20;
  for (std::size_t at = 0; (at = json.find('"', at)) != std::string_view::npos; ++at) {
    const std::size_t begin = at + 1;
    for (at = begin; at < json.size() && json[at] != '"'; ++at) at += json[at] == '\\' ? 1 : 0;
    require<FileError>(std::min(at, json.size()) - begin <= kLongest, path, ": has a name or a text of more than ",
                       kLongest, " bytes at byte ", begin, " of its JSON. It is damaged, or not what it claims to be.");
  }
}

}  // namespace fu
