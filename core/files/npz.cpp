// NumPy's .npz: a zip of .npy files. source: numpy.savez, numpy.savez_compressed
#include <algorithm>

#include "core/files/readers.h"

namespace fu {

namespace {

constexpr std::string_view kEnding = ".npy";
constexpr std::size_t kMaxHeader = 65536 + 12;  // of the .npy inside, unpacked before its size is known
constexpr std::size_t kMaxArrays = 50000;

bool ends_with(const std::string& name, std::string_view ending) {
  return name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

TensorEntry read_array(const Zip& zip, const std::string& name, const ZipEntry& zipped) {
  const std::string owner = zip.path() + ": array '" + printable(name) + "'";
  const FileBytes raw = zip.raw(name);
  if (zipped.method == 0) {
    const FileBytes bytes = zip.stored(name);
    TensorEntry e = read_npy_header(bytes, bytes.size, owner);
    e.data = bytes.data + e.skip;
    e.skip = 0;
    e.summed = bytes.data, e.summed_bytes = bytes.size, e.sum = bytes.sum;
    return e;
  }
  // Numbers shrink to half, constants to a thousandth. A small file that claims gigabytes is an attack or damaged.
  constexpr std::uint64_t kAlwaysFine = 64u << 20, kMostRatio = 64;
  require<FileError>(zipped.size <= std::max(kAlwaysFine, kMostRatio * raw.size), owner, " claims ", zipped.size,
                     " bytes in ", raw.size,
                     " packed ones, more than numbers ever shrink. If it is meant, save it "
                     "uncompressed (numpy.savez).");
  const auto start =
      inflate_bytes(raw, static_cast<std::size_t>(std::min<std::uint64_t>(zipped.size, kMaxHeader)), owner);
  TensorEntry e = read_npy_header({start.data(), start.size()}, zipped.size, owner);
  e.data = raw.data;
  e.packed = raw.size;
  e.summed_bytes = zipped.size, e.sum = raw.sum;
  return e;
}

}  // namespace

bool is_npz(const Zip& zip) {
  bool arrays = false;
  for (const auto& [name, unused] : zip.entries()) {
    if (ends_with(name, "/data.pkl")) return false;
    arrays = arrays || ends_with(name, kEnding);
  }
  return arrays;
}

TensorEntries read_npz(const MappedFile& file, const Zip& zip, std::map<std::string, std::string>& left_out) {
  TensorEntries entries;
  for (const auto& [name, zipped] : zip.entries()) {
    if (!ends_with(name, kEnding)) continue;
    require<FileError>(entries.size() + left_out.size() < kMaxArrays, file.path(), ": has more than ", kMaxArrays,
                       " arrays.");
    const std::string own = name.substr(0, name.size() - kEnding.size());
    try {
      entries.emplace(own, read_array(zip, name, zipped));
    } catch (const FileError& error) {
      left_out.emplace(own, error.what());
    }
  }
  if (entries.empty() && !left_out.empty()) throw FileError(left_out.begin()->second);
  return entries;
}

}  // namespace fu
