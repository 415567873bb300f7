#include "featup/text/charsmap.h"

#include <cstdint>
#include <cstring>

#include "core/error.h"
#include "core/files/bytes.h"
#include "featup/text/unicode.h"

namespace fu {

namespace {

/// Longest replacement that is accepted, in bytes. U+FDFA has 33; without a bound, a file could blow a text up.
constexpr std::size_t kLongest = 64;

/// False if it is no base64.
bool decode_base64(const std::string& text, std::string& out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return false;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return true;
}

class CharsMap {
 public:
  CharsMap(const std::string& base64, const std::string& owner) : owner_(owner) {
    std::string bytes;
    require<FileError>(decode_base64(base64, bytes), owner, " is no base64.");
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    const std::uint64_t size = bytes.size() >= 4 ? read_le(data, 4) : 0;
    require<FileError>(size >= 4 && size % 4 == 0 && size <= bytes.size() - 4 && bytes.back() == '\0', owner,
                       " is cut off or damaged.");
    for (std::uint64_t i = 0; i < size; i += 4) units_.push_back(static_cast<std::uint32_t>(read_le(data + 4 + i, 4)));
    replacements_ = bytes.substr(4 + size);
  }

  std::u32string operator()(const std::u32string& text) const {
    const std::string bytes = encode_utf8(text);
    std::string out;
    out.reserve(bytes.size());
    for (std::size_t i = 0; i < bytes.size();) {
      std::string_view by;
      const std::size_t length = longest(std::string_view(bytes).substr(i), by);
      if (length) {
        out += by;
        i += length;
        continue;
      }
      do out += bytes[i++];
      while (i < bytes.size() && (bytes[i] & 0xc0) == 0x80);
    }
    return decode_utf8(out);
  }

 private:
  /// Bytes of the longest sequence at the beginning of the text, and what it becomes; 0 if there is none.
  /// source: Darts-clone. A unit holds a label (bits 0-7, 31), whether a value follows (8), and where its children are
  /// (10-30, in steps of 256 if bit 9 is set), as an exclusive or with its own place.
  std::size_t longest(std::string_view text, std::string_view& by) const {
    std::size_t found = 0, at = offset(units_[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      at ^= byte;
      if (at >= units_.size() || byte == 0 || (units_[at] & 0x800000ffu) != byte) break;
      const bool ends = units_[at] >> 8 & 1;
      at ^= offset(units_[at]);
      if (!ends) continue;
      const std::size_t value = at < units_.size() ? units_[at] & 0x7fffffffu : replacements_.size();
      require<FileError>(value < replacements_.size(), owner_, " is damaged: it leads out of its table.");
      by = replacements_.data() + value;  // the last byte is 0
      require<FileError>(by.size() <= kLongest, owner_, " is damaged: a replacement has more than ", kLongest,
                         " bytes.");
      found = i + 1;
    }
    return found;
  }
  static std::size_t offset(std::uint32_t unit) { return std::size_t{unit >> 10} << ((unit & 0x200) >> 6); }

  std::string owner_;
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace

TextStep precompiled_normalizer(const std::string& base64, const std::string& owner) {
  const auto map = std::make_shared<const CharsMap>(base64, owner);
  return [map](const std::u32string& text) { return (*map)(text); };
}

}  // namespace fu
