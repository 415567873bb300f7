// Zip archives, as PyTorch and NumPy write them: the directory, and the bytes of the entries that are asked for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/files/mapped_file.h"

namespace fu {

/// Part of a mapped file.
struct FileBytes {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  std::uint32_t sum = 0;  // CRC-32 of the content, as the archive's directory says
};

/// What the directory says of an entry, unchecked: an entry is looked at only when it is asked for.
struct ZipEntry {
  int method = 0;  // 0: stored, 8: deflated
  bool encrypted = false, twice = false;
  std::uint64_t packed = 0, size = 0;  // bytes in the file, and of the content
  std::uint32_t sum = 0;               // CRC-32 of the content
  std::uint64_t offset = 0;            // of the local header
};

/// The directory of an archive. Entries that nobody asks for may be of any kind: damaged, compressed, twice there.
/// Names are keys to look up, never paths to write to. The file must outlive the archive.
class Zip {
 public:
  /// Reads the directory; zip64 too. throws FileError if it is cut off or damaged.
  explicit Zip(const MappedFile& file);

  const std::string& path() const { return file_.path(); }
  /// By name, without those whose names lead out of the archive's folder.
  const std::map<std::string, ZipEntry>& entries() const { return entries_; }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  /// A name that leads out of the archive's folder, or empty: what a message adds when an entry is missing.
  const std::string& odd_name() const { return odd_name_; }

  /// The bytes of an entry as they lie in the file, packed or not. throws FileError naming the entry if it is missing,
  /// twice there, encrypted, neither stored nor deflated, or reaches beyond the file.
  FileBytes raw(const std::string& name) const;
  /// The content of a stored entry. throws FileError also if it is compressed.
  FileBytes stored(const std::string& name) const;
  /// The same, compared with its check sum first. cost: one pass over the content.
  FileBytes checked(const std::string& name) const;

 private:
  FileError bad(const std::string& what) const { return FileError(path() + ": " + what + "."); }
  std::uint64_t number(std::uint64_t at, int bytes) const;
  bool holds(std::uint64_t begin, std::uint64_t length) const;
  /// Where the directory begins, and how many entries it has.
  void find_directory(std::uint64_t& at, std::uint64_t& count) const;
  /// Reads the entry of the directory at `at`, and moves `at` behind it.
  std::pair<std::string, ZipEntry> next_entry(std::uint64_t& at) const;

  const MappedFile& file_;
  std::map<std::string, ZipEntry> entries_;
  std::string odd_name_;
};

/// CRC-32, as zip archives have it. cost: about a second for 2 GB.
std::uint32_t crc_of(const unsigned char* data, std::size_t size);

/// Unpacks the first `wanted` bytes of deflated data, and never more: what a small file claims costs no memory beyond
/// that. owner: how an error begins, "a.npz: entry 'x'". throws FileError if the data is damaged or ends before.
/// cost: about 300 MB of content a second.
std::vector<unsigned char> inflate_bytes(FileBytes packed, std::size_t wanted, const std::string& owner);

}  // namespace fu
