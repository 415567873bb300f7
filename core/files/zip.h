// The directory of a zip archive whose entries are stored as they are, as PyTorch writes it.
#pragma once

#include <map>
#include <string>

#include "core/files/mapped_file.h"

namespace fu {

/// Part of a mapped file.
struct FileBytes {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
};

/// Entry name -> its bytes in the file. zip64 is read too. throws FileError if the archive is cut off or damaged, has a
/// compressed entry, the same name twice, or a name that leads out of its folder.
std::map<std::string, FileBytes> read_zip(const MappedFile& file);

}  // namespace fu
