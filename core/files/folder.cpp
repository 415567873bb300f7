// Weights in a folder, as Hugging Face gives them: one file under one of the usual names, or several ("shards") with an
// index that says which tensor is where.
#include <nlohmann/json.hpp>

#include "core/files/readers.h"
#include "core/system.h"

namespace fu {

namespace {

constexpr const char* kNames[] = {"model.safetensors",           "model.safetensors.index.json",
                                  "pytorch_model.bin",           "pytorch_model.bin.index.json",
                                  "open_clip_model.safetensors", "open_clip_pytorch_model.bin"};
constexpr std::size_t kMaxIndex = 64u << 20, kMaxNames = 50000, kMaxDepth = 32;

/// Keeps the texts of the object "weight_map" at the top, and walks over everything else.
class IndexHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, std::string> map;
  std::string error;
  bool found = false;

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_unsigned(number_unsigned_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool string(string_t& value) override {
    if (!in_map_) return true;
    if (!map.emplace(key_, value).second) return fail("the name '" + printable(key_) + "' twice");
    return map.size() <= kMaxNames || fail("more than " + std::to_string(kMaxNames) + " tensors");
  }
  bool start_object(std::size_t) override {
    if (in_map_) return fail("a weight_map that is no list of names");
    in_map_ = depth_ == 1 && key_ == "weight_map";
    found = found || in_map_;
    return deeper();
  }
  bool end_object() override {
    in_map_ = false;
    --depth_;
    return true;
  }
  bool key(string_t& value) override {
    key_ = value;
    return true;
  }
  bool start_array(std::size_t) override { return other() && deeper(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail("no valid JSON at byte " + std::to_string(position));
  }

 private:
  bool other() { return !in_map_ || fail("a weight_map that is no list of names"); }
  bool deeper() { return ++depth_ <= kMaxDepth || fail("absurdly deep JSON"); }
  bool fail(const std::string& what) {
    if (error.empty()) error = what;
    return false;
  }
  std::size_t depth_ = 0;
  bool in_map_ = false;
  std::string key_;
};

/// Whether the name of a shard stays in the folder of its index.
bool stays_inside(const std::string& name) {
  return !name.empty() && name[0] != '/' && name.find('\\') == std::string::npos &&
         ("/" + name + "/").find("/../") == std::string::npos && name.find('\0') == std::string::npos;
}

}  // namespace

std::string weights_file_in(const std::string& folder) {
  std::string looked_for;
  for (const char* name : kNames) {
    const std::string path = folder + (folder.back() == '/' ? "" : "/") + name;
    if (os::file_facts(path)) return path;
    looked_for += (looked_for.empty() ? "" : ", ") + std::string(name);
  }
  throw FileError(folder + ": is a folder without weights: none of " + looked_for +
                  " is in it. Give the path of the file.");
}

bool is_json(const MappedFile& file) {
  // A .safetensors begins with a length below 2^32 in 8 bytes, four of which are 0; a text has no such byte.
  const std::string_view start = file.text(0, std::min<std::size_t>(file.size(), 8));
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && start[first] == '{' && start.find('\0') == std::string_view::npos;
}

std::map<std::string, std::string> read_shard_index(const MappedFile& file) {
  require<FileError>(file.size() <= kMaxIndex, file.path(), ": is an index of ", file.size(),
                     " bytes, more than any model needs.");
  check_json_texts(file.text(0, file.size()), file.path());
  IndexHandler handler;
  const char* text = reinterpret_cast<const char*>(file.data());
  const bool ok = nlohmann::json::sax_parse(text, text + file.size(), &handler);
  require<FileError>(ok, file.path(), ": is no index of weights: it has ", handler.error, ".");
  require<FileError>(handler.found && !handler.map.empty(), file.path(),
                     ": is JSON without a weight_map, so it names no weights. Give the weights' file or folder.");
  for (const auto& [tensor, name] : handler.map)
    require<FileError>(stays_inside(name), file.path(), ": says that tensor '", printable(tensor), "' is in '",
                       printable(name), "', which leads out of its folder.");
  return std::move(handler.map);
}

}  // namespace fu
