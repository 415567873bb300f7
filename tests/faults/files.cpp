#include "tests/faults/files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace fu::faults {

namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::size_t little_endian(const std::string& bytes, std::size_t at, std::size_t count) {
  std::size_t value = 0;
  for (std::size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

/// Where the numbers of a .safetensors begin; 0 if its header is not whole.
std::size_t header_end(const std::string& content) {
  if (content.size() < 8) return 0;
  const std::size_t length = little_endian(content, 0, 8);
  return length <= content.size() - 8 ? 8 + length : 0;
}

/// Type, shape and bytes of each tensor; nothing if the file is not whole.
std::map<std::string, std::string> tensors_of(const std::string& content) {
  const std::size_t begin = header_end(content);
  if (begin == 0) return {};
  const auto header = nlohmann::json::parse(content.substr(8, begin - 8), nullptr, false);
  if (!header.is_object()) return {};
  std::map<std::string, std::string> tensors;
  std::size_t last = begin;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    const auto from = tensor.at("data_offsets")[0].get<std::size_t>() + begin,
               to = tensor.at("data_offsets")[1].get<std::size_t>() + begin;
    if (from > to || to > content.size()) return {};
    last = std::max(last, to);
    tensors[name] = tensor.at("dtype").dump() + tensor.at("shape").dump() + content.substr(from, to - from);
  }
  return last == content.size() ? tensors : std::map<std::string, std::string>();
}

/// float32, as the tester has them written: the shape in brackets tells how many.
bool whole_npy(const std::string& content) {
  if (content.compare(0, 6, "\x93NUMPY") != 0 || content.size() < 10) return false;
  const std::size_t begin = 10 + little_endian(content, 8, 2);
  if (begin > content.size()) return false;
  const std::string header = content.substr(10, begin - 10);
  std::size_t at = header.find("'shape': ("), count = 1;
  if (at == std::string::npos) return false;
  for (at += 10; at < header.size() && header[at] != ')'; ++at)
    if (header[at] >= '0' && header[at] <= '9') {
      std::size_t used = 0;
      count *= std::stoul(header.substr(at), &used);
      at += used - 1;
    }
  return content.size() == begin + 4 * count;
}

}  // namespace

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::string content(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
  in.seekg(0);
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(in.gcount()));
  return content;
}

Files files_in(const std::string& folder) {
  Files files;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    if (entry.is_regular_file())
      files[entry.path().lexically_relative(folder).string()] = content_of(entry.path().string());
  return files;
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

void remove_others(const std::string& folder, const std::set<std::string>& names) {
  for (const std::string& name : names_in(folder)) {
    std::error_code none;
    if (names.count(name) == 0) fs::remove_all(fs::path(folder) / name, none);
  }
}

bool is_part(const std::string& name) { return name.find(".part-") != std::string::npos; }

bool is_whole(const std::string& name, const std::string& content) {
  if (ends_with(name, ".npy")) return whole_npy(content);
  if (ends_with(name, ".safetensors")) return !tensors_of(content).empty();
  if (ends_with(name, ".png"))
    return content.compare(0, 8, "\x89PNG\r\n\x1a\n") == 0 && ends_with(content, std::string("IEND\xae\x42\x60\x82"));
  if (ends_with(name, ".html")) return ends_with(content, "</html>\n") || ends_with(content, "</html>");
  if (ends_with(name, ".json")) return !nlohmann::json::parse(content, nullptr, false).is_discarded();
  return !content.empty();
}

bool same_result(const std::string& name, const std::string& a, const std::string& b) {
  if (!ends_with(name, ".safetensors")) return a == b;
  std::map<std::string, std::string> one = tensors_of(a), other = tensors_of(b);
  one.erase("history"), other.erase("history");
  return !one.empty() && one == other;
}

}  // namespace fu::faults
