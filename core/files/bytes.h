// What the readers and writers of all file formats share.
#pragma once

#include "core/files/mapped_file.h"
#include "core/files/number_type.h"
#include "core/files/output_file.h"

namespace fu {

/// A little-endian integer of `count` bytes (up to 8) at any alignment.
std::uint64_t read_le(const unsigned char* bytes, int count);

/// A name from a file, fit to be printed: shown(), cut to 80 bytes.
std::string printable(std::string_view text);
/// A text from outside, fit for a terminal: control characters, those that turn the direction of writing, and bytes
/// that are no UTF-8 are replaced by '?'.
std::string shown(std::string_view text);

/// throws FileError if a text in JSON is longer than any name or setting is (1 MB): a parser would copy it several
/// times before anybody could refuse it. path: for the message. cost: one pass.
void check_json_texts(std::string_view json, const std::string& path);

}  // namespace fu
