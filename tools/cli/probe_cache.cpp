#include "tools/cli/probe_cache.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/files/bytes.h"
#include "core/files/temporary_files.h"
#include "core/system.h"
#include "featup/fields.h"
#include "tools/cli/outputs.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  std::error_code none;
  if (!fs::exists(path, none) || fs::file_size(path, none) == 0) return "";
  const MappedFile file(path);
  return std::string(file.text(0, file.size()));
}

/// Removes files of a folder whose names begin so.
void remove_files(const std::string& folder, const std::string& begin) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().rfind(begin, 0) == 0) found.push_back(it->path());
  for (const fs::path& path : found) fs::remove(path, error);
}

}  // namespace

ProbeCache::ProbeCache(const std::string& output, const std::string& settings, bool restart)
    : folder_(output + ".cache") {
  output_folder(folder_);
  lock();
  const std::string path = folder_ + "/settings.txt", before = text_of(path);
  if (restart || before.empty()) {
    clear(false);
    OutputFile file(path);
    file.write(settings.data(), settings.size());
    file.commit();
    return;
  }
  resumed_ = true;
  if (before == settings) return;
  os::close_file(lock_);
  throw UsageError(folder_ + ": holds a training that was begun with other settings or files: " +
                   fingerprint_difference(before, settings) +
                   ". Give those again to go on with it, or --restart to begin anew.");
}

ProbeCache::~ProbeCache() {
  if (lock_ >= 0) os::close_file(lock_);
}

/// The lock ends with the process, however that ends.
void ProbeCache::lock() {
  const std::string path = folder_ + "/lock";
  lock_ = os::open_or_create(path);
  require<FileError>(lock_ >= 0, path, ": cannot be written: ", std::strerror(errno), ".");
  const bool free = lock_file(lock_);
  if (!free) os::close_file(lock_);
  require<UsageError>(free, folder_, ": another process trains this probe. Wait for it, or name another with -o.");
}

bool ProbeCache::has_state() const {
  std::error_code none;
  return fs::exists(state(), none);
}

void ProbeCache::clear(bool all) const {
  for (const char* name : {"state.safetensors", "samples.bin", "photos.bin", "settings.txt"})
    remove_files(folder_, name);
  if (all) remove_files(folder_, "lock");
}

void ProbeCache::remove() {
  clear(true);
  std::error_code none;
  fs::remove(folder_, none);
}

}  // namespace fu
