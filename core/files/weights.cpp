#include "core/files/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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

Weights::Weights(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {
  const unsigned char* p = file_->data();
  const std::size_t n = file_->size();
  const auto starts = [&](std::string_view magic) {
    return n >= magic.size() && file_->text(0, magic.size()) == magic;
  };
  if (starts("\x93NUMPY")) {
    format_ = "NumPy";
    entries_["array"] = read_npy(*file_);
  } else if (starts("PK\x03\x04")) {
    format_ = "PyTorch zip";
    entries_ = read_torch_zip(*file_, root_);
  } else if (starts("\x80\x02\x8a\x0a")) {
    format_ = "PyTorch legacy";
    entries_ = read_torch_legacy(*file_, root_);
  } else if (n >= 9 && p[8] == '{') {
    format_ = "safetensors";
    entries_ = read_safetensors(*file_, metadata_);
  } else {
    throw FileError(
        path() + ": is not a .safetensors, .npy or PyTorch (.pth, .pt, .ckpt) file: its first bytes fit none of them.");
  }
}

const TensorEntry& Weights::entry(const std::string& name) const {
  const auto it = entries_.find(name);
  if (it != entries_.end()) return it->second;
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
  if (dense && !e.big_endian) {
    to_reals(e.type, e.data, n, t.data());
    return t;
  }
  Index position[Shape::kMaxRank] = {};
  unsigned char swapped[8];
  for (Index k = 0; k < n; ++k) {
    Index at = 0;
    for (int i = 0; i < rank; ++i) at += position[i] * e.stride[i];
    const unsigned char* p = e.data + at * size;
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

void write_elements(OutputFile& file, Index count, const ElementSource& source, DType type) {
  constexpr Index kRun = 1 << 18;
  std::vector<real> values(usize(std::min(kRun, count)));
  std::vector<unsigned char> bytes(values.size() * usize(dtype_size(type)));
  for (Index i = 0; i < count; i += kRun) {
    const Index n = std::min(kRun, count - i);
    source(i, n, values.data());
    from_reals(type, values.data(), n, bytes.data());
    file.write(bytes.data(), usize(n * dtype_size(type)));
  }
}

}  // namespace fu
