#include "tools/cli/parse.h"

#include "tools/cli/errors.h"

namespace fu {

namespace {

constexpr Index kMaxSide = 65536;

}  // namespace

Index parse_whole(const std::string& text, Index limit) {
  Index n = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || n > limit) return 0;
    n = n * 10 + (c - '0');
  }
  return n <= limit ? n : 0;
}

Extent parse_extent(const std::string& option, const std::string& text) {
  if (text.empty()) return {};
  const std::size_t x = text.find('x');
  const Extent e{parse_whole(text.substr(0, x), kMaxSide),
                 x == std::string::npos ? 0 : parse_whole(text.substr(x + 1), kMaxSide)};
  require<OptionError>(e.height > 0 && e.width > 0, option, " '", text,
                       "': give height x width in pixels, like 448x672, each at most ", kMaxSide, ".");
  return e;
}

InputSize parse_input_size(const std::string& text) {
  if (text == "own") return {0, 0, 0, true};
  if (text.find('x') != std::string::npos) {
    const Extent e = parse_extent("--size", text);
    return {0, e.height, e.width};
  }
  InputSize size;
  size.short_side = parse_whole(text, kMaxSide);
  require<OptionError>(size.short_side > 0, "--size '", text,
                       "': give the short side in pixels, like 224, or height x width, like 224x224, or own.");
  return size;
}

Extent parse_square_or_extent(const std::string& text) {
  const InputSize size = parse_input_size(text);
  require<OptionError>(!size.own, "--size own: give a number of pixels here, like 224, or height x width.");
  return size.height > 0 ? Extent{size.height, size.width} : Extent{size.short_side, size.short_side};
}

std::size_t parse_bytes(const std::string& option, const std::string& text) {
  if (text.empty()) return 0;
  Index unit = 1;
  std::string digits = text;
  const char last = text.back();
  if (last == 'K' || last == 'M' || last == 'G') {
    unit = last == 'K' ? 1000 : last == 'M' ? 1000000 : 1000000000;
    digits.pop_back();
  }
  const Index n = parse_whole(digits, Index{1} << 50);
  require<OptionError>(n > 0 && n < (Index{1} << 62) / unit, option, " '", text,
                       "': give a number of bytes, like 2000000000, 2000M or 2G.");
  return usize(n * unit);
}

Layout parse_layout(const std::string& text) {
  return text == "chw"      ? Layout::chw
         : text == "hwc"    ? Layout::hwc
         : text == "tokens" ? Layout::tokens
                            : Layout::automatic;
}

}  // namespace fu
