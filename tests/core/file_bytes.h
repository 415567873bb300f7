// Files of all formats, byte by byte, so that tests can write what no library would.
#pragma once

#include <zlib.h>

#include <fstream>
#include <iterator>

#include "tests/support.h"

namespace fu::test {

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string little_endian(std::uint64_t value, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(i < 8 ? value >> (8 * i) & 255 : 0);
  return s;
}

inline std::string safetensors(const std::string& header, const std::string& data = "") {
  return little_endian(header.size(), 8) + header + data;
}
inline std::string npy(const std::string& header, const std::string& data = "") {
  return std::string("\x93NUMPY\x01\x00", 8) + little_endian(header.size(), 2) + header + data;
}

/// An entry of an archive: what its directory says may be untrue.
struct ZipPart {
  std::string name, content;
  int method = 0;               // 8: `content` is deflated here
  std::uint64_t claimed = 0;    // bytes of the content, where the directory lies; 0: the truth
  std::uint32_t sum_error = 0;  // by which the check sum is wrong
};

/// Deflated bytes without a header, as zip archives hold them; with MAX_WBITS + 16 for `window`, a gzip file.
inline std::string deflated(const std::string& content, int window = -MAX_WBITS) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(content.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zip_of(const std::vector<ZipPart>& parts) {
  std::string body, directory;
  for (const ZipPart& p : parts) {
    const std::string data = p.method == 8 ? deflated(p.content) : p.content;
    const auto sum = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(p.content.data()), static_cast<uInt>(p.content.size())));
    const std::string sizes = little_endian(sum ^ p.sum_error, 4) + little_endian(data.size(), 4) +
                              little_endian(p.claimed ? p.claimed : p.content.size(), 4);
    const auto method = static_cast<std::uint64_t>(p.method);
    const std::size_t offset = body.size();
    body += std::string("PK\x03\x04") + little_endian(20, 2) + little_endian(0, 2) + little_endian(method, 2) +
            little_endian(0, 4) + sizes + little_endian(p.name.size(), 2) + little_endian(0, 2) + p.name + data;
    directory += std::string("PK\x01\x02") + little_endian(20, 2) + little_endian(20, 2) + little_endian(0, 2) +
                 little_endian(method, 2) + little_endian(0, 4) + sizes + little_endian(p.name.size(), 2) +
                 little_endian(0, 12) + little_endian(offset, 4) + p.name;
  }
  return body + directory + std::string("PK\x05\x06") + little_endian(0, 4) + little_endian(parts.size(), 2) +
         little_endian(parts.size(), 2) + little_endian(directory.size(), 4) + little_endian(body.size(), 4) +
         little_endian(0, 2);
}

/// A zip of entries of one method.
inline std::string zip(const std::vector<std::pair<std::string, std::string>>& entries, int method = 0) {
  std::vector<ZipPart> parts;
  for (const auto& [name, content] : entries) parts.push_back({name, content, method});
  return zip_of(parts);
}

}  // namespace fu::test
