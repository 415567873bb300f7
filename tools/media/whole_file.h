// A file that is written in one piece.
#pragma once

#include <string>

#include "core/files/bytes.h"

namespace fu {

/// Writes the bytes; the file appears under its name only when complete. throws FileError.
inline void write_whole_file(const std::string& path, const std::string& bytes) {
  OutputFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace fu
