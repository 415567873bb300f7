#include "core/files/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace fu {

Index dtype_size(DType type) {
  switch (type) {
    case DType::i8:
    case DType::u8:
    case DType::boolean: return 1;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16: return 2;
    case DType::f32:
    case DType::i32:
    case DType::u32: return 4;
    case DType::f64:
    case DType::i64:
    case DType::u64: return 8;
  }
  return 0;
}

const char* dtype_name(DType type) {
  constexpr const char* kNames[] = {"f16", "bf16", "f32", "f64", "i8",  "i16", "i32",
                                    "i64", "u8",   "u16", "u32", "u64", "bool"};
  return kNames[static_cast<int>(type)];
}

namespace {

template <class T>
T load_as(const unsigned char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 0) {  // zero or denormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::uint16_t float_to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<std::uint16_t>(sign | 0x7e00);   // not a number
  if (magnitude >= 0x477ff000) return static_cast<std::uint16_t>(sign | 0x7c00);  // rounds to 65536 or more
  if (magnitude < 0x38800000) {  // denormal: count in units of 2^-24; nearbyint rounds to even
    float positive;
    std::memcpy(&positive, &magnitude, sizeof positive);
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(positive * 0x1p24f)));
  }
  const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000) >> 13));
}

template <class T>
void convert(const unsigned char* bytes, Index n, real* out) {
  for (Index i = 0; i < n; ++i) out[i] = static_cast<real>(load_as<T>(bytes + static_cast<std::size_t>(i) * sizeof(T)));
}

}  // namespace

void to_reals(DType type, const unsigned char* bytes, Index n, real* out) {
  switch (type) {
    case DType::f16:
      for (Index i = 0; i < n; ++i) out[i] = static_cast<real>(half_to_float(load_as<std::uint16_t>(bytes + 2 * i)));
      return;
    case DType::bf16:
      for (Index i = 0; i < n; ++i) {
        const std::uint32_t bits = static_cast<std::uint32_t>(load_as<std::uint16_t>(bytes + 2 * i)) << 16;
        out[i] = static_cast<real>(load_as<float>(reinterpret_cast<const unsigned char*>(&bits)));
      }
      return;
    case DType::f32: return convert<float>(bytes, n, out);
    case DType::f64: return convert<double>(bytes, n, out);
    case DType::i8: return convert<std::int8_t>(bytes, n, out);
    case DType::i16: return convert<std::int16_t>(bytes, n, out);
    case DType::i32: return convert<std::int32_t>(bytes, n, out);
    case DType::i64: return convert<std::int64_t>(bytes, n, out);
    case DType::u8: return convert<std::uint8_t>(bytes, n, out);
    case DType::u16: return convert<std::uint16_t>(bytes, n, out);
    case DType::u32: return convert<std::uint32_t>(bytes, n, out);
    case DType::u64: return convert<std::uint64_t>(bytes, n, out);
    case DType::boolean:
      for (Index i = 0; i < n; ++i) out[i] = bytes[i] ? 1 : 0;
      return;
  }
}

void from_reals(DType type, const real* in, Index n, unsigned char* bytes) {
  for (Index i = 0; i < n; ++i) {
    if (type == DType::f16) {
      const std::uint16_t h = float_to_half(static_cast<float>(in[i]));
      std::memcpy(bytes + 2 * i, &h, 2);
    } else if (type == DType::bf16) {
      const auto f = static_cast<float>(in[i]);
      std::uint32_t bits;
      std::memcpy(&bits, &f, 4);
      if (f == f) bits += 0x7fff + (bits >> 16 & 1);
      const auto h = static_cast<std::uint16_t>(bits >> 16);
      std::memcpy(bytes + 2 * i, &h, 2);
    } else if (type == DType::f32) {
      const auto f = static_cast<float>(in[i]);
      std::memcpy(bytes + 4 * i, &f, 4);
    } else {
      require<UsageError>(type == DType::f64, "[write] numbers can be written as f16, bf16, f32 or f64, not ",
                          dtype_name(type), ".");
      const auto d = static_cast<double>(in[i]);
      std::memcpy(bytes + 8 * i, &d, 8);
    }
  }
}

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const int fd =
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // non-blocking: a named pipe must not hang the program
  require<FileError>(fd >= 0, path, ": cannot be opened: ", std::strerror(errno), ".");
  struct stat info {};
  const bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  void* map = nullptr;
  if (regular && info.st_size > 0)
    map = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  close(fd);
  require<FileError>(regular, path, ": is not a regular file. Give the path of a file.");
  require<FileError>(info.st_size > 0, path, ": is empty.");
  require<FileError>(map != MAP_FAILED, path, ": cannot be mapped: ", std::strerror(error), ".");
  data_ = static_cast<const unsigned char*>(map);
  size_ = static_cast<std::size_t>(info.st_size);
}

MappedFile::~MappedFile() {
  if (mapped_ && data_) munmap(const_cast<unsigned char*>(data_), size_);
}

namespace {

// Names of files under construction, for remove_unfinished_outputs(): fixed storage, because a signal handler may not
// allocate.
constexpr int kSlots = 16, kSlotLength = 4096;
char g_names[kSlots][kSlotLength];
std::atomic<int> g_used[kSlots];  // 0 free, 1 being filled, 2 valid

int claim_slot(const std::string& name) {
  if (name.size() >= kSlotLength) return -1;
  for (int i = 0; i < kSlots; ++i) {
    int expected = 0;
    if (!g_used[i].compare_exchange_strong(expected, 1)) continue;
    std::memcpy(g_names[i], name.c_str(), name.size() + 1);
    g_used[i] = 2;
    return i;
  }
  return -1;
}

}  // namespace

void remove_unfinished_outputs() noexcept {
  for (int i = 0; i < kSlots; ++i)
    if (g_used[i] == 2) unlink(g_names[i]);
}

OutputFile::OutputFile(const std::string& path) : path_(path), temporary_(path + ".part-" + std::to_string(getpid())) {
  struct stat info {};
  require<FileError>(stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode), path,
                     ": is a folder; a file cannot replace it. Name a file with -o.");
  // Renaming onto a device or a pipe would replace it by a file.
  require<FileError>(stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode), path,
                     ": is a device or a pipe; results are written to files.");
  slot_ = claim_slot(temporary_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const std::string reason = std::strerror(errno);
    if (slot_ >= 0) g_used[slot_] = 0;
    throw FileError(path + ": cannot be written: " + reason + ".");
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
    unlink(temporary_.c_str());
  }
  if (slot_ >= 0) g_used[slot_] = 0;
}

void OutputFile::fail(const std::string& what) {
  const std::string reason = std::strerror(errno);
  throw FileError(path_ + ": " + what + ": " + reason + ". Nothing was left under that name.");
}

void OutputFile::write(const void* data, std::size_t size) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(descriptor_, p, size < (std::size_t{1} << 30) ? size : std::size_t{1} << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("cannot be written");
    p += n;
    size -= static_cast<std::size_t>(n);
  }
}

void OutputFile::commit() {
  const int fd = descriptor_;
  descriptor_ = -1;
  if (close(fd) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    unlink(temporary_.c_str());
    errno = error;
    fail("cannot be completed");
  }
}

std::uint64_t read_le(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 80));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return text.size() > 80 ? out + "..." : out;
}

}  // namespace fu
