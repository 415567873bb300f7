#include "core/files/zip.h"

#include "core/files/bytes.h"

namespace fu {

namespace {

constexpr std::uint32_t kDirectoryEnd = 0x06054b50, kZip64Place = 0x07064b50, kZip64End = 0x06064b50,
                        kDirectoryEntry = 0x02014b50, kLocalHeader = 0x04034b50;
constexpr std::size_t kEndSize = 22;

/// Numbers of the file at a position. source: PKWARE's APPNOTE.TXT
class Reader {
 public:
  explicit Reader(const MappedFile& file) : file_(file) {}

  std::uint64_t number(std::uint64_t at, int bytes) const { return read_le(file_.data() + at, bytes); }
  bool holds(std::uint64_t begin, std::uint64_t length) const {
    return begin <= file_.size() && length <= file_.size() - begin;
  }
  FileError bad(const std::string& what) const { return FileError(file_.path() + ": " + what + "."); }

  /// Where the directory begins, and how many entries it has.
  void find_directory(std::uint64_t& at, std::uint64_t& count) const;
  /// Reads the entry of the directory at `at`, and moves `at` behind it.
  std::pair<std::string, FileBytes> next_entry(std::uint64_t& at) const;

 private:
  const MappedFile& file_;
};

void Reader::find_directory(std::uint64_t& at, std::uint64_t& count) const {
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

std::pair<std::string, FileBytes> Reader::next_entry(std::uint64_t& at) const {
  if (!holds(at, 46) || number(at, 4) != kDirectoryEntry) throw bad("is damaged: its zip directory is cut off");
  const std::uint64_t method = number(at + 10, 2), name_length = number(at + 28, 2), extra_length = number(at + 30, 2),
                      comment_length = number(at + 32, 2);
  std::uint64_t packed = number(at + 20, 4), size = number(at + 24, 4), offset = number(at + 42, 4);
  if (!holds(at + 46, name_length + extra_length + comment_length))
    throw bad("is damaged: its zip directory is cut off");
  const std::string name(file_.text(at + 46, name_length));
  // Sizes beyond 32 bits stand in an extra field: those that need it, in this order.
  for (std::uint64_t e = at + 46 + name_length, stop = e + extra_length; e + 4 <= stop;) {
    const std::uint64_t id = number(e, 2), length = number(e + 2, 2);
    if (e + 4 + length > stop) break;
    if (id == 1) {
      std::uint64_t field = e + 4;
      for (std::uint64_t* v : {&size, &packed, &offset})
        if (*v == 0xffffffff && field + 8 <= e + 4 + length) {
          *v = number(field, 8);
          field += 8;
        }
    }
    e += 4 + length;
  }
  at += 46 + name_length + extra_length + comment_length;

  if (name.empty() || name[0] == '/' || name.find("..") != std::string::npos || name.find('\\') != std::string::npos)
    throw bad("has a zip entry named '" + printable(name) +
              "', which leads out of its folder. This is no file that PyTorch wrote");
  if (method != 0 || packed != size)
    throw bad("has the compressed entry '" + printable(name) +
              "'; PyTorch stores them plain. Unpack and zip it again with -0");
  if (!holds(offset, 30) || number(offset, 4) != kLocalHeader)
    throw bad("is damaged: zip entry '" + printable(name) + "' is not where it should be");
  const std::uint64_t begin = offset + 30 + number(offset + 26, 2) + number(offset + 28, 2);
  if (!holds(begin, size)) throw bad("is cut off inside '" + printable(name) + "'");
  return {name, {file_.data() + begin, static_cast<std::size_t>(size)}};
}

}  // namespace

std::map<std::string, FileBytes> read_zip(const MappedFile& file) {
  const Reader reader(file);
  std::uint64_t at = 0, count = 0;
  reader.find_directory(at, count);
  std::map<std::string, FileBytes> entries;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto [fresh, added] = entries.insert(reader.next_entry(at));
    if (!added) throw reader.bad("has the zip entry '" + printable(fresh->first) + "' twice");
  }
  return entries;
}

}  // namespace fu
