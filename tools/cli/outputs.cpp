#include "tools/cli/outputs.h"

#include <filesystem>
#include <map>
#include <set>

#include "core/error.h"
#include "core/files/bytes.h"
#include "tools/cli/errors.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/say.h"
#include "tools/media/image_io.h"

namespace fu {

std::string output_folder(const std::string& given) {
  const std::string folder = given.empty() ? "featup-out" : given;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require<FileError>(!error && std::filesystem::is_directory(folder), folder,
                     ": cannot be made a folder for the results", error ? ": " + error.message() : "",
                     ". Name another with -o.");
  // Whether files can be made in it is known before any work.
  const OutputFile probe(folder + "/featup");
  return folder;
}

namespace {

bool is_standard_output(const std::string& path) { return path == "-"; }

void use_standard_output() {
  require<FileError>(!standard_output_was_closed(), "standard output is closed, and -o - writes the result to it.");
  keep_output_for_results();
}

}  // namespace

bool goes_to_standard_output(const std::string& given, std::size_t inputs) {
  if (!is_standard_output(given)) return false;
  require<OptionError>(inputs == 1, "-o - writes one result to standard output; ", inputs, " inputs were given.");
  use_standard_output();
  return true;
}

std::string output_file(const std::string& given, const std::string& name) {
  if (is_standard_output(given)) {
    use_standard_output();
    return given;
  }
  if (given.empty()) return output_folder("") + "/" + name;
  if (std::filesystem::is_directory(given)) return given + "/" + name;
  const std::string folder = std::filesystem::path(given).parent_path().string();
  if (!folder.empty()) output_folder(folder);
  const OutputFile probe(given);
  return given;
}

void check_outputs(const std::vector<std::string>& files) {
  std::set<std::filesystem::path> seen;
  for (const std::string& file : files) {
    if (file.empty()) continue;
    std::error_code none;
    const bool fresh =
        seen.insert(std::filesystem::weakly_canonical(std::filesystem::absolute(file, none), none)).second;
    require<UsageError>(fresh || &file != files.data() + 1, file,
                        ": would be both the result and its picture. Give -o another ending.");
    require<UsageError>(fresh, file, ": would be two of the results at once. Give them different names.");
    const OutputFile probe(file);
  }
}

std::string with_extension(const std::string& path, const std::string& extension) {
  if (is_standard_output(path)) return {};
  return std::filesystem::path(path).replace_extension(extension).string();
}

std::string named_with_picture(const std::string& file, const std::string& picture) {
  return picture.empty() ? file : file + ", picture " + picture;
}

std::string input_stem(const std::string& path) {
  return path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
}

std::string stem_of(const std::string& path) {
  std::string stem = input_stem(path);
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
  for (const std::string& path : inputs) stems.push_back(input_stem(path));
  require_own_names(inputs, stems);
  return stems;
}

void make_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (!folder.empty()) output_folder(folder);
}

void protect_pictures(const std::string& given, const std::vector<std::string>& pictures) {
  if (given.empty()) return;
  for (const std::string& picture : pictures) {
    std::error_code none;
    if (picture.empty() || !std::filesystem::is_regular_file(picture, none)) continue;
    require<UsageError>(std::filesystem::file_size(picture, none) == 0 || is_own_png(picture), picture,
                        ": is there already, and this program did not write it. The picture beside the result would "
                        "replace it: move it, or name another place with -o.");
  }
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
