// NumPy's .npy. source: numpy.lib.format, versions 1 to 3
#include <cstring>

#include "core/files/readers.h"

namespace fu {

namespace {

/// A reader of the header: a Python dictionary literal with three known keys.
class Header {
 public:
  Header(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  TensorEntry parse() {
    TensorEntry e;
    bool fortran = false, has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        e.type = type(string(), e.big_endian);
        has_type = true;
      } else if (key == "fortran_order") {
        fortran = word() == "True";
        has_order = true;
      } else if (key == "shape") {
        shape(e.shape);
        has_shape = true;
      } else {
        fail("an unknown key '" + printable(key) + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!has_type || !has_order || !has_shape) fail("no descr, fortran_order or shape");
    e.make_dense(fortran);
    return e;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(path_ + ": not a readable .npy header: " + what + ".");
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "' is missing");
  }
  std::string_view string() {
    space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail("a quoted word is missing");
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("a quote is not closed");
    const std::string_view s = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return s;
  }
  std::string_view word() {
    space();
    const std::size_t begin = at_;
    while (at_ < text_.size() && ((text_[at_] >= 'a' && text_[at_] <= 'z') || (text_[at_] >= 'A' && text_[at_] <= 'Z')))
      ++at_;
    return text_.substr(begin, at_ - begin);
  }
  void shape(Shape& s) {
    expect('(');
    while (!accept(')')) {
      space();
      Index n = 0;
      const std::size_t begin = at_;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        if (n > (Index{1} << 56)) fail("a size is absurdly large");
        n = n * 10 + (text_[at_] - '0');
      }
      if (at_ == begin) fail("a size is not a number");
      accept('L');  // Python 2 wrote long integers so
      if (s.rank() == Shape::kMaxRank) fail("more than 8 axes");
      s.push_back(n);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }
  DType type(std::string_view descr, bool& big_endian) const {
    static constexpr struct {
      const char* code;
      DType type;
    } kTypes[] = {{"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}, {"i1", DType::i8},
                  {"i2", DType::i16}, {"i4", DType::i32}, {"i8", DType::i64}, {"u1", DType::u8},
                  {"u2", DType::u16}, {"u4", DType::u32}, {"u8", DType::u64}, {"b1", DType::boolean}};
    if (descr.size() == 3)
      for (const auto& t : kTypes)
        if (descr.substr(1) == t.code && std::strchr("<>|=", descr[0])) {
          big_endian = descr[0] == '>' && dtype_size(t.type) > 1;
          return t.type;
        }
    throw FileError(path_ + ": holds numbers of type '" + printable(descr) +
                    "', which is not supported. Save it as float32.");
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

}  // namespace

TensorEntry read_npy(const MappedFile& file) {
  TensorEntry e = read_npy_header({file.data(), file.size()}, file.size(), file.path());
  e.data = file.data() + e.skip;
  e.skip = 0;
  return e;
}

TensorEntry read_npy_header(FileBytes start, std::uint64_t size, const std::string& path) {
  require<FileError>(start.size >= 12 && std::memcmp(start.data, "\x93NUMPY", 6) == 0, path,
                     start.size < 12 ? ": is cut off inside the .npy header." : ": is no .npy file.");
  const int version = start.data[6], length_bytes = version == 1 ? 2 : 4;
  require<FileError>(version >= 1 && version <= 3, path, ": is .npy of version ", version, "; 1 to 3 are known.");
  const std::size_t begin = 8 + usize(length_bytes), length = read_le(start.data + 8, length_bytes);
  require<FileError>(length <= start.size - begin, path, ": is cut off inside the .npy header.");
  TensorEntry e;
  try {
    e = Header({reinterpret_cast<const char*>(start.data) + begin, length}, path).parse();
  } catch (const ShapeError& error) {
    throw FileError(path + ": " + error.what());
  }
  e.skip = begin + length;
  const std::uint64_t available = (size - e.skip) / static_cast<std::uint64_t>(dtype_size(e.type));
  require<FileError>(static_cast<std::uint64_t>(e.shape.elements()) <= available, path, ": its header announces ",
                     e.shape, " of ", dtype_name(e.type), ", but only ", available,
                     " numbers follow. The file is cut off or damaged.");
  return e;
}

namespace {

/// All that stands before the numbers. what: for errors.
std::string npy_header(const std::string& what, const Shape& sizes, DType type) {
  std::string shape;
  for (int i = 0; i < sizes.rank(); ++i)
    shape += std::to_string(sizes[i]) + (i + 1 < sizes.rank() || i == 0 ? "," : "");
  const char* code = type == DType::f16 ? "<f2" : type == DType::f64 ? "<f8" : "<f4";
  require<UsageError>(type == DType::f16 || type == DType::f32 || type == DType::f64, what, ": .npy has no ",
                      dtype_name(type), ".");
  std::string text = std::string("{'descr': '") + code + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string header("\x93NUMPY\1\0", 8);
  header += static_cast<char>(text.size() & 255);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace

void write_npy(const std::string& path, const Tensor& tensor, DType type) {
  write_npy(path, tensor.shape(), elements_of(tensor), type);
}

void write_npy(const std::string& path, const Shape& shape, const ElementSource& source, DType type) {
  const std::string header = npy_header(path, shape, type);
  OutputFile out(path);
  out.write(header.data(), header.size());
  write_elements([&out](const void* data, std::size_t size) { out.write(data, size); }, shape.elements(), source, type);
  out.commit();
}

std::string npy_bytes(const Shape& shape, const ElementSource& source, DType type) {
  std::string bytes = npy_header("[npy_bytes]", shape, type);
  bytes.reserve(bytes.size() + usize(shape.elements() * dtype_size(type)));
  write_elements([&bytes](const void* data, std::size_t size) { bytes.append(static_cast<const char*>(data), size); },
                 shape.elements(), source, type);
  return bytes;
}

}  // namespace fu
