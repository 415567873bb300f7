// What the readers and writers of all file formats share.
#pragma once

#include "core/files/mapped_file.h"
#include "core/files/number_type.h"
#include "core/files/output_file.h"

namespace fu {

/// A little-endian integer of `count` bytes (up to 8) at any alignment.
std::uint64_t read_le(const unsigned char* bytes, int count);

/// A name from a file, fit to be printed: cut to 80 characters, control characters replaced.
std::string printable(std::string_view text);

}  // namespace fu
