// PyTorch's files: a zip of stored entries with a pickle among them (1.6 and later), or a stream of pickles followed by
// raw storages.
#include <algorithm>
#include <cstring>

#include "core/files/pickle.h"
#include "core/files/readers.h"
#include "core/files/state_dict.h"

namespace fu {

namespace {

using Kind = PickleValue::Kind;

/// Where a tensor lies in its storage, once it is known to lie inside.
TensorEntry place(const std::string& path, const std::string& name, const PickleTensor& t, const FileBytes& storage) {
  const auto bad = [&](const std::string& what) {
    return FileError(path + ": tensor '" + printable(name) + "' " + what + ".");
  };
  TensorEntry e;
  e.type = t.type;
  if (t.sizes.size() != t.strides.size() || t.sizes.size() > usize(Shape::kMaxRank))
    throw bad("has sizes and strides that do not match, or more than 8 axes");
  const Index available = static_cast<Index>(storage.size / usize(dtype_size(t.type)));
  if (t.storage_elements < 0 || t.storage_elements > available)
    throw bad("wants a storage of " + std::to_string(t.storage_elements) + " numbers, but " +
              std::to_string(available) + " are there: the file is cut off or damaged");
  // The position of the last element. Each step is checked, so nothing overflows.
  Index last = t.offset, elements = 1;
  bool fits = t.offset >= 0, empty = false;
  for (std::size_t i = 0; i < t.sizes.size(); ++i) {
    if (t.sizes[i] < 0 || t.strides[i] < 0) throw bad("has a negative size or stride");
    if (t.sizes[i] == 0) empty = true;
    Index reach = 0;
    fits = fits && !__builtin_mul_overflow(t.sizes[i] > 0 ? t.sizes[i] - 1 : 0, t.strides[i], &reach) &&
           !__builtin_add_overflow(last, reach, &last) &&
           !__builtin_mul_overflow(elements, t.sizes[i] > 0 ? t.sizes[i] : 1, &elements);
    e.stride[i] = t.strides[i];
  }
  if (!empty && (!fits || last >= t.storage_elements))
    throw bad("reaches beyond its storage of " + std::to_string(t.storage_elements) + " numbers");
  if (!empty && elements > t.storage_elements)
    throw bad("repeats its storage (stride 0): " + std::to_string(elements) + " elements of " +
              std::to_string(t.storage_elements) + " numbers. Save a contiguous copy");
  for (Index s : t.sizes) e.shape.push_back(s);
  e.data = storage.data + (empty ? 0 : t.offset * dtype_size(t.type));
  return e;
}

/// The tensors of a pickle by name. storage_of: PickleTensor -> FileBytes; summed: with a check sum.
template <class FindStorage>
TensorEntries collect(const Pickle& pickle, const MappedFile& file, std::string& root, bool summed,
                      const FindStorage& storage_of) {
  const std::string& path = file.path();
  TensorEntries entries;
  // Tensors may share storages. A file that claims many times its size would fill the memory when it is read.
  std::size_t claimed = 0;
  const auto add = [&](const std::string& name, const PickleTensor& t) {
    const FileBytes storage = storage_of(t);
    TensorEntry e = place(path, name, t, storage);
    if (summed) e.summed = storage.data, e.summed_bytes = storage.size, e.sum = storage.sum;
    claimed += usize(e.shape.elements() * dtype_size(e.type));
    require<FileError>(claimed / 4 <= file.size(), path,
                       ": its tensors claim more than four times the size of the file. It is damaged.");
    require<FileError>(entries.emplace(name, e).second, path, ": tensor '", printable(name), "' stands there twice.");
  };
  const StateDict found = find_state_dict(pickle, path);
  root = found.root;
  for (const auto& [name, ref] : found.tensors)
    add(name, pickle.tensors()[static_cast<std::size_t>(pickle.value(ref).tensor)]);
  return entries;
}

}  // namespace

TensorEntries read_torch_zip(const MappedFile& file, const Zip& zip, std::string& root, std::string& format) {
  const std::string suffix = "/data.pkl";
  std::string folder;
  for (const auto& [name, unused] : zip.entries())
    if (name.size() > suffix.size() && name.find('/') == name.size() - suffix.size() &&
        name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0) {
      require<FileError>(folder.empty(), file.path(), ": holds more than one data.pkl.");
      folder = name.substr(0, name.size() - suffix.size());
    }
  require<FileError>(!folder.empty(), file.path(), ": is a zip, but neither PyTorch's nor NumPy's: ",
                     zip.odd_name().empty() ? std::string("it has no data.pkl.")
                                            : "it has no data.pkl, but '" + printable(zip.odd_name()) +
                                                  "', which leads out of its folder.");
  // Written by current versions only; another kind of entry under this name says nothing.
  if (zip.has(folder + "/byteorder")) {
    const FileBytes order = zip.stored(folder + "/byteorder");
    require<FileError>(order.size != 3 || std::memcmp(order.data, "big", 3) != 0, file.path(),
                       ": was written on a big-endian machine. Save it again on a little-endian one.");
  }
  const FileBytes bytes = zip.checked(folder + "/data.pkl");
  const Pickle pickle({reinterpret_cast<const char*>(bytes.data), bytes.size}, 0, file.path());
  format = zip.has(folder + "/constants.pkl") || pickle.result().module ? "TorchScript" : "PyTorch zip";
  return collect(pickle, file, root, true, [&](const PickleTensor& t) {
    const std::string name = folder + "/data/" + std::string(t.storage.substr(0, 256));
    require<FileError>(zip.has(name), file.path(), ": storage '", printable(t.storage),
                       "' is missing. The file is damaged.");
    return zip.stored(name);
  });
}

TensorEntries read_torch_legacy(const MappedFile& file, std::string& root) {
  const std::string_view text = file.text(0, file.size());
  // Five pickles: magic number, version, facts about the system, the object, the keys of its storages. Then the
  // storages.
  const Pickle magic(text, 0, file.path());
  constexpr unsigned char kMagic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
  require<FileError>(magic.result().kind == Kind::text &&
                         magic.result().text == std::string_view(reinterpret_cast<const char*>(kMagic), sizeof kMagic),
                     file.path(), ": is a pickle, but not one that torch.save wrote.");
  const Pickle version(text, magic.end(), file.path());
  require<FileError>(version.result().kind == Kind::integer && version.result().integer == 1001, file.path(),
                     ": is of an unknown version of PyTorch's legacy format.");
  const Pickle system(text, version.end(), file.path());
  const Pickle object(text, system.end(), file.path());
  const Pickle keys(text, object.end(), file.path());
  require<FileError>(keys.result().kind == Kind::sequence, file.path(), ": its list of storages is damaged.");

  std::map<std::string_view, DType> types;  // of each storage, for the size of its numbers
  for (const PickleValue& v : object.values())
    if (v.kind == PickleValue::Kind::storage) types.emplace(v.text, v.type);
  std::map<std::string_view, FileBytes> storages;
  std::size_t at = keys.end();
  for (PickleRef r : keys.result().items) {
    const std::string_view key = keys.value(r).text;
    require<FileError>(file.size() - at >= 8, file.path(), ": is cut off before storage '", printable(key), "'.");
    const std::uint64_t elements = read_le(file.data() + at, 8);
    at += 8;
    const auto type = types.find(key);
    require<FileError>(type != types.end(), file.path(), ": storage '", printable(key),
                       "' is of an unknown type, or belongs to no tensor. Save the state_dict alone.");
    const auto size = static_cast<std::uint64_t>(dtype_size(type->second));
    require<FileError>(elements <= (file.size() - at) / size, file.path(), ": is cut off inside storage '",
                       printable(key), "'.");
    storages[key] = {file.data() + at, static_cast<std::size_t>(elements * size)};
    at += elements * size;
  }
  return collect(object, file, root, false, [&](const PickleTensor& t) {
    const auto it = storages.find(t.storage);
    require<FileError>(it != storages.end(), file.path(), ": storage '", printable(t.storage),
                       "' is missing. The file is damaged.");
    return it->second;
  });
}

}  // namespace fu
