// Named tensors in a file, whatever the format: .safetensors, PyTorch's .pth / .pt / .ckpt, .npy.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/files/bytes.h"
#include "core/tensor.h"

namespace fu {

/// Where a tensor lies in a mapped file. Strides are in elements; a dense tensor has row-major ones.
struct TensorEntry {
  DType type = DType::f32;
  Shape shape;
  const unsigned char* data = nullptr;  // of element (0,0,...)
  Index stride[Shape::kMaxRank] = {};
  bool big_endian = false;

  /// Sets the strides of a dense tensor, rows first or, for `fortran`, columns first.
  void make_dense(bool fortran = false);
};

/// A file of named tensors, open for reading. Only the directory is read at first; read() converts one tensor.
class Weights {
 public:
  /// Tells the format by the content, not by the name. Of a pickle only tensors are read; nothing that it names is
  /// called. throws FileError for anything that is not a complete, consistent file of one of the formats.
  explicit Weights(const std::string& path) : Weights(std::make_shared<MappedFile>(path)) {}
  explicit Weights(std::shared_ptr<const MappedFile> file);

  const std::string& path() const { return file_->path(); }
  std::string folder() const {
    const std::size_t slash = path().rfind('/');
    return slash == std::string::npos ? std::string() : path().substr(0, slash);
  }
  /// "safetensors", "PyTorch zip", "PyTorch legacy", "NumPy".
  const std::string& format() const { return format_; }
  /// The key under which the state_dict was found ("model", ...), or empty.
  const std::string& root() const { return root_; }
  const std::map<std::string, TensorEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  /// Shape of a tensor; FileError naming the nearest names if there is none.
  const Shape& shape(const std::string& name) const { return entry(name).shape; }
  Tensor read(const std::string& name) const;
  /// For parameters: read(), after checking the shape, and that all numbers are finite. FileError names path, tensor,
  /// expected and found.
  Tensor read(const std::string& name, const Shape& expected) const;
  /// The only tensor of a file that holds one (.npy, or a .safetensors with one entry); FileError otherwise.
  Tensor read_single() const;

 private:
  const TensorEntry& entry(const std::string& name) const;

  std::shared_ptr<const MappedFile> file_;
  std::string format_, root_;
  std::map<std::string, TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// The readers behind Weights. Each checks that every entry lies inside the file.
std::map<std::string, TensorEntry> read_safetensors(const MappedFile& file,
                                                    std::map<std::string, std::string>& metadata);
std::map<std::string, TensorEntry> read_torch_zip(const MappedFile& file, std::string& root);
std::map<std::string, TensorEntry> read_torch_legacy(const MappedFile& file, std::string& root);
TensorEntry read_npy(const MappedFile& file);

/// Gives elements [begin, begin + n) of a result, in the order of the file. So a result is written in another layout
/// without a second copy of it.
using ElementSource = std::function<void(Index begin, Index n, real* out)>;
/// Converts and writes all `count` elements, 2^18 at a time.
void write_elements(OutputFile& file, Index count, const ElementSource& source, DType type);
/// Elements of a tensor in their own order. The tensor must outlive the source.
ElementSource elements_of(const Tensor& tensor);
/// Elements of an image (H,W,C) in the order (C,H,W). The image must outlive the source.
ElementSource planes_of(const Tensor& image);

/// Writes a map of tensors as .safetensors (f32 or f16) with string metadata.
void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {}, DType type = DType::f32);
/// Writes tensors as torch.save({root: tensors}) does, f32: what torch.load reads as a state_dict under that key.
void write_torch(const std::string& path, const std::string& root, const std::map<std::string, Tensor>& tensors);
/// Writes a tensor as .npy (f32, f16 or f64).
void write_npy(const std::string& path, const Tensor& tensor, DType type = DType::f32);
void write_npy(const std::string& path, const Shape& shape, const ElementSource& source, DType type);
/// Writes one tensor as .safetensors.
void write_safetensors(const std::string& path, const std::string& name, const Shape& shape,
                       const ElementSource& source, const std::map<std::string, std::string>& metadata, DType type);

}  // namespace fu
