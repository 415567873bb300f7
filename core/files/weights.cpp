#include "core/files/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/files/narrow_file.h"
#include "core/files/readers.h"
#include "core/system.h"

namespace fu {

void TensorEntry::make_dense(bool fortran) {
  if (shape.elements() == 0) return;  // nothing to step over, and the product of the other sizes may overflow
  Index step = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    const int axis = fortran ? i : shape.rank() - 1 - i;
    stride[axis] = step;
    step *= shape[axis];
  }
}

namespace {

bool is_folder(const std::string& path) {
  if (path == "-") return false;  // standard input
  const std::optional<os::FileFacts> facts = os::file_facts(path);
  return facts && facts->folder;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Weights::Weights(const std::string& path) : path_(path), folder_(is_folder(path) ? path : folder_of(path)) {
  const auto file = std::make_shared<MappedFile>(is_folder(path) ? weights_file_in(path) : path);
  if (is_json(*file))
    open_shards(*file);
  else
    open(file);
}

Weights::Weights(const std::shared_ptr<const MappedFile>& file) : path_(file->path()) { open(file); }

void Weights::open(const std::shared_ptr<const MappedFile>& file) {
  const unsigned char* p = file->data();
  const std::size_t n = file->size();
  const auto starts = [&](std::string_view magic) { return n >= magic.size() && file->text(0, magic.size()) == magic; };
  if (starts("\x93NUMPY")) {
    format_ = "NumPy";
    entries_["array"] = read_npy(*file);
  } else if (starts("PK\x03\x04")) {
    const Zip zip(*file);
    if (is_npz(zip)) {
      format_ = "NumPy zip";
      entries_ = read_npz(*file, zip, left_out_);
    } else {
      entries_ = read_torch_zip(*file, zip, root_, format_);
    }
  } else if (starts("\x80\x02\x8a\x0a")) {
    format_ = "PyTorch legacy";
    entries_ = read_torch_legacy(*file, root_);
  } else if (n >= 9 && p[8] == '{') {
    format_ = "safetensors";
    entries_ = read_safetensors(*file, metadata_, left_out_);
    take_row_scales(file->path(), metadata_, entries_);
  } else {
    throw FileError(file->path() +
                    ": is not a .safetensors, .npy, .npz or PyTorch (.pth, .pt, .ckpt, .bin) file: its first bytes fit "
                    "none of them.");
  }
  files_.push_back(file);
}

void Weights::open_shards(const MappedFile& index) {
  std::map<std::string, Weights> shards;
  for (const auto& [name, file] : read_shard_index(index)) {
    auto shard = shards.find(file);
    if (shard == shards.end()) {
      const std::string path = folder_ + "/" + file;
      try {
        shard = shards.emplace(file, Weights(std::make_shared<MappedFile>(path))).first;
      } catch (const FileError& error) {
        throw FileError(cat(error.what(), " It is one of the files that ", index.path(), " names."));
      }
      const Weights& fresh = shard->second;
      files_.insert(files_.end(), fresh.files_.begin(), fresh.files_.end());
      metadata_.insert(fresh.metadata_.begin(), fresh.metadata_.end());
    }
    const auto unreadable = shard->second.left_out_.find(name);
    if (unreadable != shard->second.left_out_.end()) {
      left_out_.insert(*unreadable);
      continue;
    }
    const auto entry = shard->second.entries_.find(name);
    require<FileError>(entry != shard->second.entries_.end(), index.path(), ": says that tensor '", printable(name),
                       "' is in ", printable(file), ", which does not hold it. Download the folder again.");
    entries_.insert(*entry);
  }
  format_ = shards.begin()->second.format_;
}

const TensorEntry& Weights::entry(const std::string& name) const {
  const auto it = entries_.find(name);
  if (it != entries_.end()) return it->second;
  const auto unreadable = left_out_.find(name);
  if (unreadable != left_out_.end()) throw FileError(unreadable->second);
  // Names with the same last part are listed: most mistakes are a wrong prefix.
  std::string near;
  const std::string tail = name.substr(name.rfind('.') == std::string::npos ? 0 : name.rfind('.'));
  int listed = 0;
  for (const auto& [key, unused] : entries_)
    if (listed < 3 && key.size() >= tail.size() && key.compare(key.size() - tail.size(), tail.size(), tail) == 0) {
      near += (listed++ ? ", " : "") + printable(key);
    }
  throw FileError(path() + ": has no tensor '" + printable(name) + "' among its " + std::to_string(entries_.size()) +
                  (near.empty() ? "." : "; it has " + near + "."));
}

/// The bytes that a tensor lies in against the check sum that the archive has for them, once for each storage.
void Weights::check_sum(const TensorEntry& e, const std::string& name) const {
  if (!e.summed) return;
  const std::lock_guard<std::mutex> lock(checked_->guard);
  if (checked_->storages.count(e.summed) > 0) return;
  require<FileError>(crc_of(e.summed, e.summed_bytes) == e.sum, path(), ": the bytes of tensor '", printable(name),
                     "' do not have the check sum that the file gives for them: it is damaged. Download it again.");
  checked_->storages.insert(e.summed);
}

Tensor Weights::read(const std::string& name) const {
  const TensorEntry& e = entry(name);
  Tensor t(e.shape);
  const Index n = t.size(), size = dtype_size(e.type);
  if (n == 0) return t;
  const int rank = e.shape.rank();
  bool dense = true;
  Index expected = 1;
  for (int i = rank - 1; i >= 0; --i) {
    dense = dense && (e.shape[i] == 1 || e.stride[i] == expected);
    expected *= e.shape[i];
  }
  std::vector<unsigned char> unpacked;
  const unsigned char* data = e.data;
  check_sum(e, name);
  if (e.packed > 0) {
    unpacked = inflate_bytes({e.data, static_cast<std::size_t>(e.packed)}, e.skip + usize(n * size),
                             path() + ": tensor '" + printable(name) + "'");
    require<FileError>(unpacked.size() != e.summed_bytes || crc_of(unpacked.data(), unpacked.size()) == e.sum, path(),
                       ": array '", printable(name),
                       "' does not have the check sum that the file gives for it: it is "
                       "damaged.");
    data = unpacked.data() + e.skip;
  }
  if (dense && !e.big_endian) {
    to_reals(e.type, data, n, t.data());
    if (e.row_scales) multiply_rows(t, e.row_scales);
    return t;
  }
  Index position[Shape::kMaxRank] = {};
  unsigned char swapped[8];
  for (Index k = 0; k < n; ++k) {
    Index at = 0;
    for (int i = 0; i < rank; ++i) at += position[i] * e.stride[i];
    const unsigned char* p = data + at * size;
    if (e.big_endian) {
      std::reverse_copy(p, p + size, swapped);
      p = swapped;
    }
    to_reals(e.type, p, 1, t.data() + k);
    for (int i = rank - 1; i >= 0 && ++position[i] == e.shape[i]; --i) position[i] = 0;
  }
  return t;
}

Tensor Weights::read(const std::string& name, const Shape& expected) const {
  const Shape& found = shape(name);
  require<FileError>(found == expected, path(), ": tensor '", printable(name), "' has shape ", found, ", expected ",
                     expected, ".");
  const Tensor t = read(name);
  for (Index i = 0; i < t.size(); ++i)
    if (!std::isfinite(t.data()[i]))
      throw FileError(
          cat(path(), ": tensor '", printable(name), "' holds a number that is infinite or none, at element ", i, "."));
  return t;
}

Tensor Weights::read_single() const {
  require<FileError>(entries_.size() == 1, path(), ": holds ", entries_.size(),
                     " tensors where one is wanted. Save the one alone.");
  return read(entries_.begin()->first);
}

ElementSource elements_of(const Tensor& tensor) {
  return [&tensor](Index begin, Index n, real* out) { std::copy_n(tensor.data() + begin, n, out); };
}

ElementSource planes_of(const Tensor& image) {
  return [&image](Index begin, Index n, real* out) {
    const Index c = image.dim(-1), pixels = image.size() / c;
    for (Index i = begin; i < begin + n;) {
      const Index channel = i / pixels, pixel = i % pixels, run = std::min(begin + n - i, pixels - pixel);
      const real* in = image.data() + pixel * c + channel;
      for (Index k = 0; k < run; ++k) *out++ = in[k * c];
      i += run;
    }
  };
}

void write_elements(const ByteSink& out, Index count, const ElementSource& source, DType type) {
  constexpr Index kRun = 1 << 18;
  std::vector<real> values(usize(std::min(kRun, count)));
  std::vector<unsigned char> bytes(values.size() * usize(dtype_size(type)));
  for (Index i = 0; i < count; i += kRun) {
    const Index n = std::min(kRun, count - i);
    source(i, n, values.data());
    from_reals(type, values.data(), n, bytes.data());
    out(bytes.data(), usize(n * dtype_size(type)));
  }
}

}  // namespace fu
