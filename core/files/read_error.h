// Errors of reading that say nothing about the file.
#pragma once

#include <cerrno>

#include "core/error.h"

namespace fu {

/// A file that may be fine could not be read: the disk failed, or descriptors or memory ran out. Whoever goes on
/// without files that are of no use must not go on without these: the result would depend on chance.
struct ReadError : FileError {
  using FileError::FileError;
};

/// Whether an error number speaks of the machine, not of the file that it came with.
inline bool is_of_machine(int error) {
  switch (error) {
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EBADF: return true;
    default: return false;
  }
}

}  // namespace fu
