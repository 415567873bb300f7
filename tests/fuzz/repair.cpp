#include "tests/fuzz/repair.h"

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace fu::fuzz {

namespace {

std::uint32_t little(const unsigned char* p, int bytes) {
  std::uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | p[i];
  return value;
}

void put_little(unsigned char* p, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<unsigned char>(value >> (8 * i));
}

std::uint32_t sum_of(const unsigned char* p, std::size_t n) {
  return static_cast<std::uint32_t>(crc32(0, p, static_cast<uInt>(n)));
}

/// One entry of the directory at p, which has 46 bytes at least. source: PKWARE's APPNOTE 4.3.7 and 4.3.12
void repair_entry(unsigned char* p, unsigned char* data, std::size_t size) {
  const std::size_t stored = little(p + 20, 4), local = little(p + 42, 4);
  const bool deflated = little(p + 10, 2) != 0;
  if (deflated || local > size || size - local < 30) return;
  unsigned char* header = data + local;
  const std::size_t begin = local + 30 + little(header + 26, 2) + little(header + 28, 2);
  if (begin > size || stored > size - begin) return;
  const std::uint32_t sum = sum_of(data + begin, stored);
  put_little(p + 16, sum);
  put_little(header + 14, sum);
}

void repair_zip(unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kEntry("PK\1\2", 4);
  for (std::size_t at = text.find(kEntry); at != text.npos; at = text.find(kEntry, at + 4)) {
    if (size - at < 46) return;
    repair_entry(data + at, data, size);
  }
}

void repair_png(unsigned char* data, std::size_t size) {
  if (size < 8 || std::memcmp(data, "\x89PNG", 4) != 0) return;
  for (std::size_t at = 8; size - at >= 12;) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | data[at + i];
    if (length > size - at - 12) return;
    const std::uint32_t sum = sum_of(data + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) data[at + 8 + length + i] = static_cast<unsigned char>(sum >> (24 - 8 * i));
    at += length + 12;
  }
}

void repair_safetensors(unsigned char* data, std::size_t size) {
  if (size < 9) return;
  const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);
  if (little(data, 4) <= size - 8 && little(data + 4, 4) == 0) return;
  const std::size_t end = text.rfind('}');
  put_little(data, static_cast<std::uint32_t>(end == text.npos ? size - 8 : end + 1));
  put_little(data + 4, 0);
}

}  // namespace

void repair(Repair kind, unsigned char* data, std::size_t size) {
  switch (kind) {
    case Repair::nothing: return;
    case Repair::zip_sums: return repair_zip(data, size);
    case Repair::png_sums: return repair_png(data, size);
    case Repair::safetensors_length: return repair_safetensors(data, size);
  }
}

}  // namespace fu::fuzz
