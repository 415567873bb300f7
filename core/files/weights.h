// Named tensors in files, whatever the format: .safetensors, PyTorch's .pth / .pt / .ckpt / .bin, .npy, .npz; or in a
// folder, as Hugging Face gives it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/files/bytes.h"
#include "core/tensor.h"

namespace fu {

/// Where a tensor lies in a mapped file. Strides are in elements; a dense tensor has row-major ones.
struct TensorEntry {
  DType type = DType::f32;  // in the file
  Shape shape;
  const unsigned char* data = nullptr;  // of element (0,0,...)
  Index stride[Shape::kMaxRank] = {};
  bool big_endian = false;
  // Deflated (.npz): data is the first of `packed` bytes in the file, and the elements begin `skip` bytes after the
  // start of what they unpack to. 0: not deflated.
  std::uint64_t packed = 0;
  std::size_t skip = 0;
  // The bytes whose check sum (CRC-32) an archive gives: the whole storage that the tensor lies in. Null: there is
  // none, or, of deflated ones, it is that of the content they unpack to.
  const unsigned char* summed = nullptr;
  std::size_t summed_bytes = 0;
  std::uint32_t sum = 0;
  // Of whole numbers that stand for others (narrow_file.h): the scale of each row, little-endian f32. Null: none.
  const unsigned char* row_scales = nullptr;

  /// Sets the strides of a dense tensor, rows first or, for `fortran`, columns first.
  void make_dense(bool fortran = false);
};

/// Named tensors, open for reading: of a file, or of several that belong together. Only directories are read at first;
/// read() converts one tensor.
/// @code
/// write_safetensors("head.safetensors", {{"weight", Tensor::full({2, 3}, 1)}, {"bias", Tensor::zeros({2})}});
/// const Weights file("head.safetensors");
/// const Tensor weight = file.read("weight", {2, 3});  // throws FileError for another shape
/// assert(file.entries().size() == 2 && weight.data()[0] == 1);
/// @endcode
class Weights {
 public:
  /// path: a file, its format told by the content, not by the name; or an index of shards
  /// (model.safetensors.index.json); or a folder, of which the first of these is taken: model.safetensors,
  /// model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json, open_clip_model.safetensors,
  /// open_clip_pytorch_model.bin. Of a pickle only tensors are read; nothing that it names is called. throws FileError
  /// for anything that is not a complete, consistent file of one of the formats, and for a shard that is not there.
  explicit Weights(const std::string& path);
  explicit Weights(const std::shared_ptr<const MappedFile>& file);

  /// What was given: of a file or of a folder.
  const std::string& path() const { return path_; }
  /// Where files that belong to the weights stand, such as config.json: the folder that was given, or the file's.
  /// Empty for weights that come from no file.
  const std::string& folder() const { return folder_; }
  /// "safetensors", "PyTorch zip", "PyTorch legacy", "TorchScript", "NumPy", "NumPy zip"; of shards, theirs.
  const std::string& format() const { return format_; }
  /// The key under which the state_dict was found ("model", ...), or empty. Of one inside of another: "model.teacher".
  const std::string& root() const { return root_; }
  const std::map<std::string, TensorEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// Whether there is such a tensor. One that is there but cannot be read counts too: asking for it tells why.
  bool has(const std::string& name) const { return entries_.count(name) + left_out_.count(name) > 0; }
  /// Shape of a tensor; FileError naming the nearest names if there is none.
  const Shape& shape(const std::string& name) const { return entry(name).shape; }
  /// The tensor, converted to `real` and dense, rows of whole numbers multiplied by their scales. cost: reads its
  /// bytes, and checks their sum where an archive gives one. throws FileError if there is none of that name, or if its
  /// bytes are damaged.
  Tensor read(const std::string& name) const;
  /// For parameters: read(), after checking the shape, and that all numbers are finite. FileError names path, tensor,
  /// expected and found.
  Tensor read(const std::string& name, const Shape& expected) const;
  /// The only tensor of a file that holds one (.npy, or a .safetensors with one entry); FileError otherwise.
  Tensor read_single() const;

 private:
  const TensorEntry& entry(const std::string& name) const;
  void check_sum(const TensorEntry& entry, const std::string& name) const;

  void open(const std::shared_ptr<const MappedFile>& file);
  void open_shards(const MappedFile& index);

  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::string path_, folder_, format_, root_;
  std::map<std::string, TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::string> left_out_;  // names of arrays that cannot be read, and why
  /// Storages whose sums were found right.
  struct Checked {
    std::mutex guard;
    std::set<const unsigned char*> storages;
  };
  std::shared_ptr<Checked> checked_ = std::make_shared<Checked>();
};

/// Gives elements [begin, begin + n) of a result, in the order of the file. So a result is written in another layout
/// without a second copy of it.
using ElementSource = std::function<void(Index begin, Index n, real* out)>;
/// Receives the bytes of a result, part by part.
using ByteSink = std::function<void(const void* data, std::size_t size)>;
/// Converts all `count` elements, 2^18 at a time, and gives their bytes to the sink.
void write_elements(const ByteSink& out, Index count, const ElementSource& source, DType type);
/// Elements of a tensor in their own order. The tensor must outlive the source.
ElementSource elements_of(const Tensor& tensor);
/// Elements of an image (H,W,C) in the order (C,H,W). The image must outlive the source.
ElementSource planes_of(const Tensor& image);

/// A tensor to be written. The source must live until it is.
struct TensorOutput {
  std::string name;
  Shape shape;
  ElementSource source;
  DType type = DType::f32;  // or f16, bf16, i8
};
/// Writes tensors as .safetensors, one after the other: only the one that is being written must be in memory.
void write_safetensors(const std::string& path, const std::vector<TensorOutput>& tensors,
                       const std::map<std::string, std::string>& metadata);
/// Writes a map of tensors as .safetensors (f32 or f16) with string metadata.
void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {}, DType type = DType::f32);
/// Writes tensors as torch.save({root: tensors}) does, f32: what torch.load reads as a state_dict under that key.
void write_torch(const std::string& path, const std::string& root, const std::map<std::string, Tensor>& tensors);
/// Writes a tensor as .npy (f32, f16 or f64).
void write_npy(const std::string& path, const Tensor& tensor, DType type = DType::f32);
void write_npy(const std::string& path, const Shape& shape, const ElementSource& source, DType type);
/// The bytes of the file that write_npy would write.
std::string npy_bytes(const Shape& shape, const ElementSource& source, DType type);
/// Writes one tensor as .safetensors.
void write_safetensors(const std::string& path, const std::string& name, const Shape& shape,
                       const ElementSource& source, const std::map<std::string, std::string>& metadata, DType type);

}  // namespace fu
