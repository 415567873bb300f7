// Errors as the program prints them. The library's texts speak of arguments; the program adds its option's name.
#pragma once

#include <exception>
#include <string>

#include "core/error.h"

namespace fu {

/// The value of an option cannot be read, or options do not go together: wrong usage, exit code 2. What is wrong with
/// inputs is another error, and exit code 1.
class OptionError : public UsageError {
 public:
  using UsageError::UsageError;
};

/// The library's text, and after it the option of this program that helps, if there is one and the text does not name
/// it already: "... would exceed the limit." becomes "... would exceed the limit. Raise --max-memory."
std::string with_remedy(const std::string& message);

/// Prints an error to standard error, in one line: "featup: error: ...", control characters replaced, at most some 1000
/// characters.
void print_error(const std::string& message);

/// The same of what a catch block has caught, without throwing: if there is no memory for the text, or none was the
/// reason, it says that.
void print_failure(const std::exception& error) noexcept;

/// Prints "featup: note: ..." to standard error.
void print_note(const std::string& message);

}  // namespace fu
