#include "tools/cli/outputs.h"

#include <filesystem>
#include <map>

#include "core/error.h"
#include "core/files/bytes.h"

namespace fu {

std::string output_folder(const std::string& given) {
  const std::string folder = given.empty() ? "featup-out" : given;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require<FileError>(!error && std::filesystem::is_directory(folder), folder,
                     ": cannot be made a folder for the results", error ? ": " + error.message() : "",
                     ". Name another with -o.");
  return folder;
}

std::string output_file(const std::string& given, const std::string& name) {
  if (given.empty()) return output_folder("") + "/" + name;
  if (std::filesystem::is_directory(given)) return given + "/" + name;
  const std::string folder = std::filesystem::path(given).parent_path().string();
  if (!folder.empty()) output_folder(folder);
  return given;
}

void check_outputs(const std::string& file, const std::string& picture) {
  require<UsageError>(file != picture, file, ": would be both the result and its picture. Give -o another ending.");
  for (const std::string& path : {file, picture}) const OutputFile probe(path);
}

std::string with_extension(const std::string& path, const std::string& extension) {
  return std::filesystem::path(path).replace_extension(extension).string();
}

std::string stem_of(const std::string& path) {
  std::string stem = std::filesystem::path(path).stem().string();
  const std::string fit = ".fit";
  if (stem.size() > fit.size() && stem.compare(stem.size() - fit.size(), fit.size(), fit) == 0)
    stem.resize(stem.size() - fit.size());
  return stem;
}

void require_own_names(const std::vector<std::string>& inputs, const std::vector<std::string>& names) {
  std::map<std::string, std::string> seen;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto [it, fresh] = seen.emplace(names[i], inputs[i]);
    require<UsageError>(fresh, inputs[i], " and ", it->second, " would both be written as '", names[i],
                        "'. Rename one, or run them one by one with -o.");
  }
}

std::vector<std::string> output_stems(const std::vector<std::string>& inputs) {
  std::vector<std::string> stems;
  for (const std::string& path : inputs) stems.push_back(std::filesystem::path(path).stem().string());
  require_own_names(inputs, stems);
  return stems;
}

void make_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (!folder.empty()) output_folder(folder);
}

void protect_inputs(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  for (const std::string& out : outputs)
    for (const std::string& in : inputs) {
      std::error_code none;
      require<UsageError>(in.empty() || !std::filesystem::equivalent(out, in, none), out,
                          ": is also an input, which the result would replace. Name another place with -o.");
    }
}

}  // namespace fu
