#include "featup/probes/sample_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/parallel.h"
#include "core/system.h"

namespace fu {

namespace {

// A record: a check sum of what follows, the number of samples, then doubles: count, sums and squares of the cells, and
// the same of the targets.
constexpr std::size_t kHead = 16;

/// source: Fowler, Noll, Vo: FNV-1a
std::uint64_t hash_of(const char* data, std::size_t n) {
  std::uint64_t hash = 1469598103934665603u;
  for (std::size_t i = 0; i < n; ++i) hash = (hash ^ static_cast<unsigned char>(data[i])) * 1099511628211u;
  return hash;
}

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw FileError(path + ": " + what + ": " + std::strerror(errno) + ".");
}

int opened(const std::string& path) {
  const int descriptor = os::open_or_create(path);
  if (descriptor < 0) fail(path, "cannot be opened");
  return descriptor;
}

void write_at(int descriptor, const std::string& path, const void* data, std::size_t size, std::uint64_t at) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const std::ptrdiff_t n = os::write_some_at(descriptor, p, size, at);
    if (n <= 0) fail(path, "cannot be written");
    p += n, size -= static_cast<std::size_t>(n), at += static_cast<std::uint64_t>(n);
  }
}

/// Bytes read, fewer than `size` at the end of the file.
std::size_t read_at(int descriptor, const std::string& path, void* data, std::size_t size, std::uint64_t at) {
  std::size_t done = 0;
  while (done < size) {
    char* const to = static_cast<char*>(data) + done;
    const std::ptrdiff_t n = os::read_some_at(descriptor, to, size - done, at + done);
    if (n < 0) fail(path, "cannot be read");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void put(std::string& record, const void* data, std::size_t size) {
  record.append(static_cast<const char*>(data), size);
}

void put(std::string& record, const Moments& m, Index channels) {
  put(record, &m.count, sizeof m.count);
  const std::vector<double> none(usize(channels), 0);
  for (const std::vector<double>* values : {&m.sum, &m.squares})
    put(record, (values->empty() ? none : *values).data(), usize(channels) * sizeof(double));
}

const char* get(const char* from, Moments& m, Index channels) {
  std::memcpy(&m.count, from, sizeof m.count);
  from += sizeof m.count;
  for (std::vector<double>* values : {&m.sum, &m.squares}) {
    values->resize(usize(channels));
    std::memcpy(values->data(), from, usize(channels) * sizeof(double));
    from += usize(channels) * sizeof(double);
  }
  return from;
}

}  // namespace

SampleStore::SampleStore(const std::string& folder, Index channels, Index targets)
    : rows_path_(folder + "/samples.bin"),
      records_path_(folder + "/photos.bin"),
      channels_(channels),
      targets_(targets) {
  rows_ = opened(rows_path_);
  try {
    records_ = opened(records_path_);
    read_records();
  } catch (...) {
    os::close_file(rows_);
    if (records_ >= 0) os::close_file(records_);
    throw;
  }
}

SampleStore::~SampleStore() {
  os::close_file(rows_);
  os::close_file(records_);
}

std::size_t SampleStore::record_size() const { return kHead + 16 + usize(channels_ + targets_) * 2 * sizeof(double); }

std::string SampleStore::record_of(const PhotoSamples& photo) const {
  std::string record(8, '\0');
  const std::uint64_t count = static_cast<std::uint64_t>(photo.features.dim(0));
  put(record, &count, sizeof count);
  put(record, photo.cells, channels_);
  put(record, photo.target_moments, targets_);
  const std::uint64_t hash = hash_of(record.data() + 8, record.size() - 8);
  std::memcpy(record.data(), &hash, sizeof hash);
  return record;
}

/// Takes records up to the first that is not whole, or whose samples are not there.
void SampleStore::read_records() {
  const std::optional<os::FileFacts> rows = os::file_facts(rows_);
  if (!rows) fail(rows_path_, "cannot be read");
  const std::uint64_t row = static_cast<std::uint64_t>(channels_ + targets_) * sizeof(real);
  std::string record(record_size(), '\0');
  while (read_at(records_, records_path_, record.data(), record.size(), counts_.size() * record.size()) ==
         record.size()) {
    std::uint64_t hash = 0, count = 0;
    std::memcpy(&hash, record.data(), sizeof hash);
    std::memcpy(&count, record.data() + 8, sizeof count);
    if (hash != hash_of(record.data() + 8, record.size() - 8) || (samples_ + count) * row > rows->size) return;
    counts_.push_back(static_cast<std::uint32_t>(count));
    samples_ += count;
  }
}

void SampleStore::add(const PhotoSamples& photo) {
  const Index n = photo.features.dim(0), width = channels_ + targets_;
  require<ShapeError>(photo.features.shape() == Shape{n, channels_} && photo.targets.shape() == Shape{n, targets_},
                      "[probe] samples ", photo.features.shape(), " and ", photo.targets.shape(), " for a store of ",
                      channels_, " channels and ", targets_, " targets.");
  require<UsageError>(samples_ + static_cast<std::uint64_t>(n) < (std::uint64_t{1} << 32), "[probe] more than 2^32 ",
                      "samples are drawn. Draw fewer pixels from each photo.");
  std::vector<real> rows(usize(n * width));
  for (Index i = 0; i < n; ++i) {
    real* to = rows.data() + i * width;
    std::copy_n(photo.features.data() + i * channels_, channels_, to);
    std::copy_n(photo.targets.data() + i * targets_, targets_, to + channels_);
  }
  write_at(rows_, rows_path_, rows.data(), rows.size() * sizeof(real),
           samples_ * static_cast<std::uint64_t>(width) * sizeof(real));
  const std::string record = record_of(photo);
  write_at(records_, records_path_, record.data(), record.size(), counts_.size() * record.size());
  counts_.push_back(static_cast<std::uint32_t>(n));
  samples_ += static_cast<std::uint64_t>(n);
}

ChosenSamples SampleStore::choose(const std::function<bool(Index photo)>& wanted) const {
  ChosenSamples chosen;
  std::string record(record_size(), '\0');
  std::uint32_t first = 0;
  for (Index i = 0; i < photos(); first += counts_[usize(i)], ++i) {
    if (!wanted(i)) continue;
    const std::size_t got = read_at(records_, records_path_, record.data(), record.size(), usize(i) * record.size());
    require<FileError>(got == record.size(), records_path_, ": has become shorter. Begin again.");
    Moments cells, targets;
    get(get(record.data() + kHead, cells, channels_), targets, targets_);
    chosen.cells.add(cells), chosen.target_moments.add(targets);
    for (std::uint32_t s = 0; s < counts_[usize(i)]; ++s) chosen.samples.push_back(first + s);
  }
  return chosen;
}

void SampleStore::read(const std::uint32_t* samples, Index n, Tensor& features, Tensor& targets) const {
  const Index width = channels_ + targets_;
  parallel_ranges(n, 128, [&](Index begin, Index end) {
    std::vector<real> row(usize(width));
    const std::size_t bytes = row.size() * sizeof(real);
    for (Index i = begin; i < end; ++i) {
      const std::size_t got = read_at(rows_, rows_path_, row.data(), bytes, std::uint64_t{samples[i]} * bytes);
      require<FileError>(got == bytes, rows_path_, ": has become shorter. Begin again.");
      std::copy_n(row.data(), channels_, features.data() + i * channels_);
      std::copy_n(row.data() + channels_, targets_, targets.data() + i * targets_);
    }
  });
}

}  // namespace fu
