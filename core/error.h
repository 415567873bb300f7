// The exceptions of the library, and how their messages are built: `[op] names and shapes received; the rule they
// broke; what to do.`
#pragma once

#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>

namespace fu {

/// Shapes that do not fit together, or an axis that does not exist: a mistake in the call of an op.
struct ShapeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file that cannot be read or written, or that does not hold what was asked for.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A request that cannot be served: an argument outside its range, a result above the memory limit.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A UsageError of memory: the limit, or what the machine has, does not suffice.
struct MemoryError : UsageError {
  using UsageError::UsageError;
};

/// A MemoryError of the limit that was set: what is asked for is too large on any machine.
struct MemoryLimitError : MemoryError {
  using MemoryError::MemoryError;
};

/// The arguments as text, one after another without spaces; numbers as in the C
/// locale, whatever the application's.
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << args);
  return out.str();
}

/// Throws E unless `ok`. The message is the arguments as cat() joins them; it is built only if E is thrown.
template <class E, class... Args>
void require(bool ok, const Args&... args) {
  if (!ok) throw E(cat(args...));
}

}  // namespace fu
