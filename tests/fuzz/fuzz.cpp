#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/parallel.h"
#include "core/pool.h"

namespace fu::fuzz {

#define FU_FUZZ(name, repair) void fuzz_##name(const unsigned char* data, std::size_t size);
#include "tests/fuzz/targets.def"
#undef FU_FUZZ

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {
#define FU_FUZZ(name, repair) {#name, fuzz_##name, Repair::repair},
#include "tests/fuzz/targets.def"
#undef FU_FUZZ
  };
  return all;
}

const Target* find_target(const std::string& name) {
  for (const Target& target : targets())
    if (target.name == name) return &target;
  return nullptr;
}

void prepare() {
  set_threads(1);
  set_memory_limit(std::size_t{256} << 20);
  set_cache_limit(0);  // so that a sanitizer sees every access to a tensor that was freed
}

namespace {

[[noreturn]] void found(const char* what, const char* text) {
  std::fprintf(stderr, "%s: %s\n", what, text);
  std::abort();
}

void check_text(const std::string& text) {
  if (text.empty()) found("an error without a text", "");
  if (text.find('\n') != text.npos) found("an error of more than one line", text.c_str());
}

}  // namespace

void refuse_or_succeed(const std::function<void()>& f) {
  try {
    f();
  } catch (const FileError& error) {
    check_text(error.what());
  } catch (const UsageError& error) {
    check_text(error.what());
  } catch (const ShapeError& error) {
    check_text(error.what());
  } catch (const std::exception& error) {
    found("an exception that is no error of the library", error.what());
  }
}

FileInMemory::FileInMemory(const unsigned char* data, std::size_t size) : descriptor_(memfd_create("input", 0)) {
  if (descriptor_ < 0) found("memfd_create", "failed");
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = write(descriptor_, data + done, size - done);
    if (n <= 0) found("write", "failed");
    done += static_cast<std::size_t>(n);
  }
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}

FileInMemory::~FileInMemory() { close(descriptor_); }

FolderInMemory::FolderInMemory() {
  path_ = std::filesystem::exists("/dev/shm") ? "/dev/shm/featup-fuzz-XXXXXX" : "/tmp/featup-fuzz-XXXXXX";
  if (!mkdtemp(path_.data())) found("mkdtemp", path_.c_str());
}

FolderInMemory::~FolderInMemory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void FolderInMemory::write(const std::string& name, const unsigned char* data, std::size_t size) const {
  std::ofstream(path_ + "/" + name, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

}  // namespace fu::fuzz
