// Errors as the program prints them. The library's texts speak of arguments; the program adds its option's name.
#pragma once

#include <string>

namespace fu {

/// The library's text, and after it the option of this program that helps, if there is one and the text does not name
/// it already: "... would exceed the limit." becomes "... would exceed the limit. Raise --max-memory."
std::string with_remedy(const std::string& message);

/// Prints an error to standard error, in one line: "featup: error: ...", control characters replaced, at most some 1000
/// characters.
void print_error(const std::string& message);

/// Prints "featup: note: ..." to standard error.
void print_note(const std::string& message);

}  // namespace fu
