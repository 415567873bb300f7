#include "core/files/zip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>

#include "core/files/bytes.h"

namespace fu {

namespace {

constexpr std::uint32_t kDirectoryEnd = 0x06054b50, kZip64Place = 0x07064b50, kZip64End = 0x06064b50,
                        kDirectoryEntry = 0x02014b50, kLocalHeader = 0x04034b50;
constexpr std::size_t kEndSize = 22;

/// Whether a name would lead out of the folder that the archive is unpacked into: "/x", "a/../../x", "a\\x".
bool leads_out(const std::string& name) {
  if (name.empty() || name[0] == '/' || name.find('\\') != std::string::npos) return true;
  const std::string whole = "/" + name + "/";
  return whole.find("/../") != std::string::npos;
}

}  // namespace

// source: PKWARE's APPNOTE.TXT
std::uint64_t Zip::number(std::uint64_t at, int bytes) const { return read_le(file_.data() + at, bytes); }

bool Zip::holds(std::uint64_t begin, std::uint64_t length) const {
  return begin <= file_.size() && length <= file_.size() - begin;
}

void Zip::find_directory(std::uint64_t& at, std::uint64_t& count) const {
  // The directory ends with a record of 22 bytes. It is the end of the file, unless a comment follows.
  const std::size_t n = file_.size();
  if (n < kEndSize) throw bad("is cut off: a zip without its directory");
  std::size_t end = n - kEndSize;
  while (number(end, 4) != kDirectoryEnd) {
    if (end == 0 || n - end > kEndSize + 65535) throw bad("is cut off: a zip without its directory");
    --end;
  }
  count = number(end + 10, 2), at = number(end + 16, 4);
  if ((count == 0xffff || at == 0xffffffff) && end >= 20 && number(end - 20, 4) == kZip64Place) {
    const std::uint64_t end64 = number(end - 12, 8);
    if (!holds(end64, 56) || number(end64, 4) != kZip64End)
      throw bad("is damaged: its zip64 directory is not where it should be");
    count = number(end64 + 32, 8);
    at = number(end64 + 48, 8);
  }
}

std::pair<std::string, ZipEntry> Zip::next_entry(std::uint64_t& at) const {
  if (!holds(at, 46) || number(at, 4) != kDirectoryEntry) throw bad("is damaged: its zip directory is cut off");
  const std::uint64_t name_length = number(at + 28, 2), extra_length = number(at + 30, 2),
                      comment_length = number(at + 32, 2);
  ZipEntry entry;
  entry.encrypted = number(at + 8, 2) & 1;
  entry.method = static_cast<int>(number(at + 10, 2));
  entry.sum = static_cast<std::uint32_t>(number(at + 16, 4));
  entry.packed = number(at + 20, 4), entry.size = number(at + 24, 4), entry.offset = number(at + 42, 4);
  if (!holds(at + 46, name_length + extra_length + comment_length))
    throw bad("is damaged: its zip directory is cut off");
  const std::string name(file_.text(at + 46, name_length));
  // Sizes beyond 32 bits stand in an extra field: those that need it, in this order.
  for (std::uint64_t e = at + 46 + name_length, stop = e + extra_length; e + 4 <= stop;) {
    const std::uint64_t id = number(e, 2), length = number(e + 2, 2);
    if (e + 4 + length > stop) break;
    if (id == 1) {
      std::uint64_t field = e + 4;
      for (std::uint64_t* v : {&entry.size, &entry.packed, &entry.offset})
        if (*v == 0xffffffff && field + 8 <= e + 4 + length) {
          *v = number(field, 8);
          field += 8;
        }
    }
    e += 4 + length;
  }
  at += 46 + name_length + extra_length + comment_length;
  return {name, entry};
}

Zip::Zip(const MappedFile& file) : file_(file) {
  std::uint64_t at = 0, count = 0;
  find_directory(at, count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto [name, entry] = next_entry(at);
    if (leads_out(name)) {
      odd_name_ = name;
      continue;
    }
    const auto [place, fresh] = entries_.emplace(name, entry);
    if (!fresh) place->second.twice = true;
  }
}

FileBytes Zip::raw(const std::string& name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) throw bad("has no zip entry '" + printable(name) + "'");
  const ZipEntry& e = it->second;
  const std::string title = "zip entry '" + printable(name) + "'";
  if (e.twice) throw bad("has the " + title + " twice");
  if (e.encrypted) throw bad("has the encrypted " + title + ". Save it without a password");
  if (e.method != 0 && e.method != 8)
    throw bad("has the " + title + " packed by method " + std::to_string(e.method) +
              ", which is not supported. Zip it again with -0");
  if (!holds(e.offset, 30) || number(e.offset, 4) != kLocalHeader)
    throw bad("is damaged: " + title + " is not where it should be");
  const std::uint64_t begin = e.offset + 30 + number(e.offset + 26, 2) + number(e.offset + 28, 2);
  if (!holds(begin, e.packed)) throw bad("is cut off inside '" + printable(name) + "'");
  return {file_.data() + begin, static_cast<std::size_t>(e.packed), e.sum};
}

FileBytes Zip::stored(const std::string& name) const {
  const FileBytes bytes = raw(name);
  const ZipEntry& e = entries_.at(name);
  if (e.method != 0 || e.packed != e.size)
    throw bad("has the compressed entry '" + printable(name) +
              "'; PyTorch stores them plain. Unpack and zip it again with -0");
  return bytes;
}

std::uint32_t crc_of(const unsigned char* data, std::size_t size) {
  constexpr std::size_t kRun = std::size_t{1} << 30;  // the library counts in 32 bits
  uLong sum = crc32(0, nullptr, 0);
  for (std::size_t at = 0; at < size; at += kRun)
    sum = crc32(sum, data + at, static_cast<uInt>(std::min(size - at, kRun)));
  return static_cast<std::uint32_t>(sum);
}

FileBytes Zip::checked(const std::string& name) const {
  const FileBytes bytes = stored(name);
  if (crc_of(bytes.data, bytes.size) != bytes.sum)
    throw bad("has the entry '" + printable(name) + "', whose check sum is wrong: it is damaged. Download it again");
  return bytes;
}

std::vector<unsigned char> inflate_bytes(FileBytes packed, std::size_t wanted, const std::string& owner) {
  // The library counts in 32 bits, so that long data is handed over in runs.
  constexpr std::size_t kRun = std::size_t{1} << 30;
  std::vector<unsigned char> out(wanted);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::size_t read = 0, written = 0;
  int state = Z_OK;
  while (written < wanted && state == Z_OK) {
    stream.next_in = const_cast<Bytef*>(packed.data + read);
    stream.next_out = out.data() + written;
    const std::size_t in = std::min(kRun, packed.size - read), room = std::min(kRun, wanted - written);
    stream.avail_in = static_cast<uInt>(in), stream.avail_out = static_cast<uInt>(room);
    state = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in, written += room - stream.avail_out;
  }
  if (state == Z_MEM_ERROR) throw std::bad_alloc();
  require<FileError>(written == wanted, owner, " is cut off or damaged: only ", written, " of ", wanted,
                     " bytes could be unpacked.");
  return out;
}

}  // namespace fu
