// Writing tensors as PyTorch does: a zip of stored entries, one pickle that describes the tensors, and their numbers as
// they are.
#include <array>

#include "core/error.h"
#include "core/files/weights.h"

namespace fu {

namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 255));
}

std::uint32_t sum_of(const std::string& data) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? 0xEDB88320u ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (char c : data) crc = table[(crc ^ static_cast<unsigned char>(c)) & 255] ^ (crc >> 8);
  return ~crc;
}

// The opcodes of pickle protocol 2 that a state_dict needs. source: Python's pickletools
struct PickleOutput {
  std::string out = std::string("\x80\x02", 2);
  void op(char c) { out.push_back(c); }
  void text(const std::string& s) { op('X'), put(out, s.size(), 4), out += s; }
  void global(const std::string& module, const std::string& name) { op('c'), out += module + "\n" + name + "\n"; }
  void integer(Index n) {
    if (n >= 0 && n < (Index{1} << 31)) return op('J'), put(out, static_cast<std::uint64_t>(n), 4);
    op('\x8a'), out.push_back(8), put(out, static_cast<std::uint64_t>(n), 8);
  }
  void empty_ordered_dict() { global("collections", "OrderedDict"), op(')'), op('R'); }
  template <class F>
  void tuple(const F& items) {
    op('('), items(), op('t');
  }
  void tensor(const Shape& shape, const std::string& storage) {
    global("torch._utils", "_rebuild_tensor_v2");
    tuple([&] {
      tuple([&] {
        text("storage"), global("torch", "FloatStorage"), text(storage), text("cpu"), integer(shape.elements());
      });
      op('Q');
      integer(0);
      tuple([&] {
        for (int i = 0; i < shape.rank(); ++i) integer(shape[i]);
      });
      tuple([&] {
        for (int i = 0; i < shape.rank(); ++i) integer(shape.elements(i + 1, shape.rank()));
      });
      op('\x89');
      empty_ordered_dict();
    });
    op('R');
  }
};

/// A zip of stored entries, written in the order in which they are added.
class ZipOutput {
 public:
  explicit ZipOutput(const std::string& path) : file_(path) {}
  void add(const std::string& name, const std::string& data) {
    require<FileError>(at_ + data.size() < 0xFFFFFFF0u, name,
                       ": a PyTorch file of more than 4 GB is not written. Write .safetensors.");
    std::string fields;  // the same in both headers
    put(fields, 20, 2), put(fields, 0, 2), put(fields, 0, 2), put(fields, 0, 2), put(fields, 0x21, 2);
    put(fields, sum_of(data), 4), put(fields, data.size(), 4), put(fields, data.size(), 4), put(fields, name.size(), 2),
        put(fields, 0, 2);
    put(directory_, 0x02014b50, 4), put(directory_, 20, 2);
    directory_ += fields;
    put(directory_, 0, 2), put(directory_, 0, 2), put(directory_, 0, 2), put(directory_, 0, 4), put(directory_, at_, 4);
    directory_ += name;
    std::string header;
    put(header, 0x04034b50, 4);
    write(header + fields + name), write(data);
    ++count_;
  }
  void finish() {
    std::string end;
    put(end, 0x06054b50, 4), put(end, 0, 4), put(end, count_, 2), put(end, count_, 2), put(end, directory_.size(), 4),
        put(end, at_, 4), put(end, 0, 2);
    write(directory_), write(end);
    file_.commit();
  }

 private:
  void write(const std::string& data) {
    file_.write(data.data(), data.size());
    at_ += data.size();
  }
  OutputFile file_;
  std::string directory_;
  std::size_t at_ = 0, count_ = 0;
};

}  // namespace

void write_torch(const std::string& path, const std::string& root, const std::map<std::string, Tensor>& tensors) {
  require<FileError>(tensors.size() < 60000, path, ": has too many tensors for a PyTorch file. Write .safetensors.");
  ZipOutput zip(path);
  PickleOutput pickle;
  pickle.op('}'), pickle.op('(');
  pickle.text(root);
  pickle.empty_ordered_dict(), pickle.op('(');
  std::size_t n = 0;
  for (const auto& [name, tensor] : tensors) pickle.text(name), pickle.tensor(tensor.shape(), std::to_string(n++));
  pickle.op('u'), pickle.op('u'), pickle.op('.');
  zip.add("archive/data.pkl", pickle.out);
  n = 0;
  for (const auto& [name, tensor] : tensors) {
    std::string bytes(usize(4 * tensor.size()), '\0');
    from_reals(DType::f32, tensor.data(), tensor.size(), reinterpret_cast<unsigned char*>(bytes.data()));
    zip.add("archive/data/" + std::to_string(n++), bytes);
  }
  zip.add("archive/version", "3\n");
  zip.finish();
}

}  // namespace fu
