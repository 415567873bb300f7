// What the program prints for people.
#pragma once

#include <cstdio>

namespace fu {

/// std::printf, whose text is fit for a terminal: names of files and tensors come from outside, and control characters
/// in them could hide or change what the user sees. See shown() in core/files/bytes.h.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);

/// From now on standard output carries a result: what is printed goes to standard error.
void keep_output_for_results();
/// Where say() prints.
std::FILE* output_for_text();

}  // namespace fu
