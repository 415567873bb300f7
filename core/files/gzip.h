// gzip: one compressed file, as vocabularies come.
#pragma once

#include <string>

#include "core/files/mapped_file.h"

namespace fu {

/// Whether a file begins as a gzip does.
bool is_gzip(const MappedFile& file);

/// The content of a gzip, its checksum compared. Never takes more memory than `most` bytes, whatever the file claims.
/// throws FileError if it is damaged, cut off, followed by something else, or has more content than `most` bytes.
std::string gunzip(const MappedFile& file, std::size_t most);

}  // namespace fu
