// The readers behind Weights, one for each format. Each checks that every entry lies inside the file.
#pragma once

#include "core/files/bytes.h"
#include "core/files/weights.h"
#include "core/files/zip.h"

namespace fu {

using TensorEntries = std::map<std::string, TensorEntry>;

/// Tensors of a type that is not known come into left_out with the reason. throws FileError if all are.
TensorEntries read_safetensors(const MappedFile& file, std::map<std::string, std::string>& metadata,
                               std::map<std::string, std::string>& left_out);

/// PyTorch's zip of a state_dict, or TorchScript: format is set to "PyTorch zip" or "TorchScript".
TensorEntries read_torch_zip(const MappedFile& file, const Zip& zip, std::string& root, std::string& format);
TensorEntries read_torch_legacy(const MappedFile& file, std::string& root);

TensorEntry read_npy(const MappedFile& file);
/// The header of an .npy of `size` bytes, from its first bytes; path is for messages. `skip` of the result is where the
/// elements begin, and `data` is not set.
TensorEntry read_npy_header(FileBytes start, std::uint64_t size, const std::string& path);

/// Whether an archive is NumPy's: it holds .npy files, and none of PyTorch's pickles.
bool is_npz(const Zip& zip);
/// The arrays of an .npz, stored or deflated, by their names without ".npy". Those that cannot be read (texts, Python
/// objects) come into left_out with the reason. throws FileError if none can.
TensorEntries read_npz(const MappedFile& file, const Zip& zip, std::map<std::string, std::string>& left_out);

/// The file of a folder that holds its weights, in the order that Weights documents. throws FileError naming what was
/// looked for.
std::string weights_file_in(const std::string& folder);
/// Whether a file is JSON, as an index of shards is.
bool is_json(const MappedFile& file);
/// Tensor name -> name of its file, of an index of shards. throws FileError for anything else, and for names that lead
/// out of the folder.
std::map<std::string, std::string> read_shard_index(const MappedFile& file);

}  // namespace fu
