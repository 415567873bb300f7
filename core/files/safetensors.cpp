// .safetensors: 8 bytes of header length, a JSON header, raw numbers. source: huggingface.co/docs/safetensors
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/files/readers.h"

namespace fu {

namespace {

constexpr std::size_t kMaxHeaderBytes = 100u << 20;  // the format's own limit
constexpr std::size_t kMaxTensorItems = 50000, kMaxMetadata = 10000;

struct Item {
  std::string dtype;
  std::vector<std::uint64_t> shape, offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

/// Reads the header while it is parsed. A hostile one (deep nesting, a million keys) is refused before it takes memory.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, Item> items;
  std::map<std::string, std::string> metadata;
  std::string error;

  bool null() override { return fail("a null"); }
  bool boolean(bool) override { return fail("a boolean"); }
  bool number_integer(number_integer_t) override { return fail("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return fail("a fraction"); }
  bool binary(binary_t&) override { return fail("binary data"); }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 2 || in_metadata_ || !list_) return fail("a number out of place");
    if (list_->size() > 8) return fail("more than 8 axes");
    list_->push_back(value);
    return true;
  }
  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) {
      metadata[key_] = value;
      return metadata.size() <= kMaxMetadata || fail("absurdly much metadata");
    }
    if (depth_ != 2 || list_ || key_ != "dtype") return fail("a string out of place");
    item_->dtype = value;
    item_->has_dtype = true;
    return true;
  }
  bool start_object(std::size_t) override {
    if (++depth_ > 2 || list_) return fail("nested objects");
    if (depth_ == 2) {
      in_metadata_ = key_ == "__metadata__";
      if (!in_metadata_) {
        if (items.size() >= kMaxTensorItems) return fail("more than " + std::to_string(kMaxTensorItems) + " tensors");
        const auto [it, fresh] = items.emplace(key_, Item{});
        if (!fresh) return fail("the name '" + printable(key_) + "' twice");
        item_ = &it->second;
      }
    }
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool key(string_t& value) override {
    key_ = value;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || list_) return fail("an array out of place");
    if (key_ == "shape") {
      list_ = &item_->shape;
      item_->has_shape = true;
    } else if (key_ == "data_offsets") {
      list_ = &item_->offsets;
      item_->has_offsets = true;
    } else {
      return fail("an unknown field '" + printable(key_) + "'");
    }
    list_->clear();
    return true;
  }
  bool end_array() override {
    list_ = nullptr;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail("no valid JSON at byte " + std::to_string(position));
  }

 private:
  bool fail(const std::string& what) {
    if (error.empty()) error = what;
    return false;
  }
  int depth_ = 0;
  bool in_metadata_ = false;
  std::string key_;
  Item* item_ = nullptr;
  std::vector<std::uint64_t>* list_ = nullptr;
};

constexpr struct {
  const char* name;
  DType type;
} kHeaderTypes[] = {{"F16", DType::f16},      {"BF16", DType::bf16},       {"F32", DType::f32},
                    {"F64", DType::f64},      {"I8", DType::i8},           {"I16", DType::i16},
                    {"I32", DType::i32},      {"I64", DType::i64},         {"U8", DType::u8},
                    {"U16", DType::u16},      {"U32", DType::u32},         {"U64", DType::u64},
                    {"BOOL", DType::boolean}, {"F8_E4M3", DType::f8_e4m3}, {"F8_E5M2", DType::f8_e5m2}};

bool find_type(const std::string& name, DType& type) {
  for (const auto& t : kHeaderTypes)
    if (name == t.name) {
      type = t.type;
      return true;
    }
  return false;
}

const char* name_of(DType type) {
  for (const auto& t : kHeaderTypes)
    if (type == t.type) return t.name;
  return "";
}

}  // namespace

TensorEntries read_safetensors(const MappedFile& file, std::map<std::string, std::string>& metadata,
                               std::map<std::string, std::string>& left_out) {
  const std::uint64_t length = read_le(file.data(), 8);
  require<FileError>(length <= kMaxHeaderBytes && length <= file.size() - 8, file.path(), ": announces a header of ",
                     length,
                     " bytes, more than the file or the format has. It is cut off, damaged, or not .safetensors.");
  check_json_texts(file.text(8, length), file.path());
  HeaderHandler handler;
  const char* text = reinterpret_cast<const char*>(file.data()) + 8;
  const bool ok = nlohmann::json::sax_parse(text, text + length, &handler);
  require<FileError>(ok, file.path(), ": its .safetensors header has ", handler.error, ".");
  metadata = std::move(handler.metadata);

  const std::size_t data_size = file.size() - 8 - length;
  std::map<std::string, TensorEntry> entries;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, item] : handler.items) {
    const auto bad = [&, &name = name](const std::string& what) {
      return FileError(file.path() + ": tensor '" + printable(name) + "' " + what + ".");
    };
    TensorEntry e;
    if (!item.has_dtype || !item.has_shape || item.offsets.size() != 2) throw bad("lacks dtype, shape or data_offsets");
    const std::uint64_t begin = item.offsets[0], end = item.offsets[1];
    if (begin > end || end > data_size)
      throw bad("lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                std::to_string(data_size) + ": the file is cut off or damaged");
    if (end > begin) ranges.emplace_back(begin, end);
    if (!find_type(item.dtype, e.type)) {
      // Told to whoever asks for this tensor; the others can be used.
      left_out[name] = bad("has the unsupported type '" + printable(item.dtype) + "'").what();
      continue;
    }
    if (item.shape.size() > usize(Shape::kMaxRank)) throw bad("has more than 8 axes");
    for (std::uint64_t s : item.shape) {
      if (s > (std::uint64_t{1} << 56)) throw bad("has an absurdly large size");
      e.shape.push_back(static_cast<Index>(s));
    }
    Index n = 0;
    try {
      n = e.shape.elements();
    } catch (const ShapeError&) {
      throw bad("has a shape " + e.shape.str() + " that cannot be");
    }
    if (end - begin != static_cast<std::uint64_t>(n) * static_cast<std::uint64_t>(dtype_size(e.type)))
      throw bad("of shape " + e.shape.str() + " and type " + item.dtype + " takes " + std::to_string(end - begin) +
                " bytes, which does not fit");
    e.data = file.data() + 8 + length + begin;
    e.make_dense();
    entries.emplace(name, e);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i)
    require<FileError>(ranges[i].first >= ranges[i - 1].second, file.path(), ": two tensors overlap at byte ",
                       ranges[i].first, ". The file is damaged.");
  if (entries.empty() && !left_out.empty()) throw FileError(left_out.begin()->second);
  return entries;
}

namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string in_brackets(const std::vector<Index>& numbers) {
  std::string text;
  for (const Index n : numbers) text += (text.empty() ? "[" : ",") + std::to_string(n);
  return text.empty() ? "[]" : text + "]";
}

/// Of text, and not of JSON values: their destructors take memory, and end the process where there is none.
std::string header_of(const std::vector<TensorOutput>& tensors, const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  for (const auto& [key, value] : metadata)
    text += (text.size() > 1 ? "," : "\"__metadata__\":{") + quoted(key) + ":" + quoted(value);
  if (!metadata.empty()) text += "}";
  Index at = 0;
  for (const TensorOutput& t : tensors) {
    std::vector<Index> shape;
    for (int i = 0; i < t.shape.rank(); ++i) shape.push_back(t.shape[i]);
    const Index end = at + t.shape.elements() * dtype_size(t.type);
    text += (text.size() > 1 ? "," : "") + quoted(t.name) + ":{\"dtype\":\"" + name_of(t.type) +
            "\",\"shape\":" + in_brackets(shape) + ",\"data_offsets\":" + in_brackets({at, end}) + "}";
    at = end;
  }
  text += "}";
  while (text.size() % 8 != 0) text += ' ';  // numbers aligned to 8 bytes
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<TensorOutput>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  for (const TensorOutput& t : tensors)
    require<UsageError>(t.type == DType::f32 || t.type == DType::f16 || t.type == DType::bf16 || t.type == DType::i8,
                        path, ": .safetensors are written as f32, f16, bf16 or i8.");
  const std::string text = header_of(tensors, metadata);
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(std::uint64_t{text.size()} >> (8 * i) & 255);
  OutputFile out(path);
  out.write(length, 8);
  out.write(text.data(), text.size());
  const ByteSink sink = [&out](const void* data, std::size_t size) { out.write(data, size); };
  for (const TensorOutput& t : tensors) write_elements(sink, t.shape.elements(), t.source, t.type);
  out.commit();
}

void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata, DType type) {
  std::vector<TensorOutput> outputs;
  for (const auto& [name, tensor] : tensors) outputs.push_back({name, tensor.shape(), elements_of(tensor), type});
  write_safetensors(path, outputs, metadata);
}

void write_safetensors(const std::string& path, const std::string& name, const Shape& shape,
                       const ElementSource& source, const std::map<std::string, std::string>& metadata, DType type) {
  write_safetensors(path, {{name, shape, source, type}}, metadata);
}

}  // namespace fu
