#include "featup/text/json_node.h"

#include <nlohmann/json.hpp>

#include "core/files/bytes.h"

namespace fu {

namespace {

using Json = nlohmann::json;

// Gemma's has 34 MB, and 3 million values where its merges are pairs.
constexpr std::size_t kMostBytes = std::size_t{1} << 26, kMostValues = std::size_t{1} << 23;
constexpr int kDeepest = 32;

const Json& json_of(const void* value) { return *static_cast<const Json*>(value); }

}  // namespace

struct JsonNode::File {
  std::string path;
  Json json;
};

JsonNode JsonNode::read(const std::string& path) {
  const MappedFile mapped(path);
  require<FileError>(mapped.size() <= kMostBytes, path, ": has ", mapped.size(), " bytes; a tokenizer has at most ",
                     kMostBytes, ".");
  const std::string_view text = mapped.text(0, mapped.size());
  check_json_texts(text, path);
  // A value takes 16 bytes and more where the file has two: hostile files are left before they fill the memory.
  std::size_t values = 0;
  const auto count = [&](int depth, Json::parse_event_t event, Json&) {
    require<FileError>(depth <= kDeepest, path, ": is nested more than ", kDeepest, " deep.");
    const bool ends = event == Json::parse_event_t::array_end || event == Json::parse_event_t::object_end;
    require<FileError>(ends || ++values <= kMostValues, path, ": has more than ", kMostValues, " values.");
    return true;
  };
  auto file = std::make_shared<File>(File{path, Json::parse(text.begin(), text.end(), count, false)});
  require<FileError>(file->json.is_object(), path, ": is no JSON object, or is cut off or damaged.");
  const void* top = &file->json;
  return {std::move(file), top, ""};
}

bool JsonNode::is_there() const { return value_ && !json_of(value_).is_null(); }
bool JsonNode::is_text() const { return value_ && json_of(value_).is_string(); }
bool JsonNode::is_list() const { return value_ && json_of(value_).is_array(); }
const std::string& JsonNode::path() const { return file_->path; }

std::string JsonNode::title() const {
  return place_.empty() ? path() + ": the file" : path() + ": '" + printable(place_) + "'";
}
FileError JsonNode::bad(const std::string& what) const { return FileError(title() + " " + what); }

FileError JsonNode::unexpected(const std::string& what) const {
  std::string value = "missing";
  if (value_) {
    const Json& json = json_of(value_);
    value = json.is_object()  ? "an object"
            : json.is_array() ? "a list"
                              : json.dump(-1, ' ', true, Json::error_handler_t::replace);
  }
  return bad("is " + printable(value) + ", expected " + what + ".");
}

JsonNode JsonNode::find(const char* key) const {
  const std::string place = place_.empty() ? key : place_ + "." + key;
  if (!is_there()) return {file_, nullptr, place};
  const Json& json = json_of(value_);
  if (!json.is_object()) throw unexpected("an object");
  const auto it = json.find(key);
  return {file_, it == json.end() ? nullptr : &*it, place};
}

std::string JsonNode::text() const {
  if (!is_text()) throw unexpected("a text");
  return json_of(value_).get<std::string>();
}
std::string JsonNode::text(const std::string& otherwise) const { return is_there() ? text() : otherwise; }

bool JsonNode::flag(bool otherwise) const {
  if (!is_there()) return otherwise;
  if (!json_of(value_).is_boolean()) throw unexpected("true or false");
  return json_of(value_).get<bool>();
}

Index JsonNode::integer() const {
  const bool is_integer = value_ && json_of(value_).is_number_integer();
  // Above the range of Index, an unsigned number would turn negative.
  if (!is_integer || (json_of(value_).is_number_unsigned() && json_of(value_).get<std::uint64_t>() > (1ull << 62)))
    throw unexpected("an integer");
  return json_of(value_).get<Index>();
}

double JsonNode::number() const {
  if (!value_ || !json_of(value_).is_number()) throw unexpected("a number");
  return json_of(value_).get<double>();
}

std::size_t JsonNode::size() const {
  if (!is_list()) throw unexpected("a list");
  return json_of(value_).size();
}

JsonNode JsonNode::operator[](std::size_t i) const {
  const std::string place = place_ + "[" + std::to_string(i) + "]";
  return {file_, i < size() ? &json_of(value_)[i] : nullptr, place};
}

void JsonNode::for_each(const std::function<void(const std::string&, const JsonNode&)>& f) const {
  if (!is_there() || !json_of(value_).is_object()) throw unexpected("an object");
  for (const auto& [key, value] : json_of(value_).items()) f(key, {file_, &value, place_ + "." + key});
}

}  // namespace fu
