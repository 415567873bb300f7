// What the project throws, and how messages are put together: `[op] names and shapes received; the rule they broke;
// what to do.`
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace fu {

/// Shapes that do not fit together: a mistake in how an op was called.
struct ShapeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file that cannot be read or written, or does not hold what was asked of it.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A request that cannot be served as stated: a wrong option, a memory limit.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The arguments, printed one after another.
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

/// Throws E with the arguments printed one after another, unless `ok`. The message is built only on failure.
template <class E, class... Args>
void require(bool ok, const Args&... args) {
  if (!ok) throw E(cat(args...));
}

}  // namespace fu
