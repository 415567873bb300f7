// Names and locks of the temporary files behind OutputFile.
#pragma once

#include <string>

namespace fu {

/// "x/y.npy" -> "x/y.npy.part-0123456789abcdef", another one each time. A file name that would become too long is cut.
std::string temporary_name(const std::string& path);
/// Locks an open file until it is closed, however its process ends. false: another process holds it. Where a file
/// system has no locks, every lock is given.
bool lock_file(int descriptor);
/// Removes the temporary files of a folder ("" for the current one) that no process holds.
void remove_stale_files(const std::string& folder) noexcept;
/// "x/y.npy" -> "x/"; "" for a name alone.
std::string folder_part(const std::string& path);

}  // namespace fu
