#include "tools/cli/commands.h"

#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>

#include "core/isa.h"
#include "core/parallel.h"
#include "tools/cli/progress.h"
#include "tools/media/image_folder.h"

namespace fu {

namespace {

constexpr Index kMaxSide = 65536;

/// A whole positive number of at most `limit`; 0 if the text is none.
Index number(const std::string& text, Index limit) {
  Index n = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || n > limit) return 0;
    n = n * 10 + (c - '0');
  }
  return n <= limit ? n : 0;
}

}  // namespace

Extent parse_extent(const std::string& option, const std::string& text) {
  if (text.empty()) return {};
  const std::size_t x = text.find('x');
  const Extent e{number(text.substr(0, x), kMaxSide),
                 x == std::string::npos ? 0 : number(text.substr(x + 1), kMaxSide)};
  require<UsageError>(e.height > 0 && e.width > 0, option, " '", text,
                      "': give height x width in pixels, like 448x672, each at most ", kMaxSide, ".");
  return e;
}

InputSize parse_input_size(const std::string& text) {
  if (text.find('x') != std::string::npos) {
    const Extent e = parse_extent("--size", text);
    return {0, e.height, e.width};
  }
  InputSize size;
  size.short_side = number(text, kMaxSide);
  require<UsageError>(size.short_side > 0, "--size '", text,
                      "': give the short side in pixels, like 224, or height x width, like 224x224.");
  return size;
}

std::size_t parse_bytes(const std::string& text) {
  if (text.empty()) return 0;
  Index unit = 1;
  std::string digits = text;
  const char last = text.back();
  if (last == 'K' || last == 'M' || last == 'G') {
    unit = last == 'K' ? 1000 : last == 'M' ? 1000000 : 1000000000;
    digits.pop_back();
  }
  const Index n = number(digits, Index{1} << 50);
  require<UsageError>(n > 0 && n < (Index{1} << 62) / unit, "--max-memory '", text,
                      "': give a number of bytes, like 2000000000, 2000M or 2G.");
  return static_cast<std::size_t>(n * unit);
}

Layout parse_layout(const std::string& text) {
  return text == "chw" ? Layout::chw : text == "hwc" ? Layout::hwc : Layout::automatic;
}

OutputFormat parse_format(const Options& o) {
  return {o.format == "safetensors", o.dtype == "f16" ? DType::f16 : DType::f32, parse_layout(o.layout)};
}

std::string output_folder(const Options& options) {
  const std::string folder = options.output.empty() ? "featup-out" : options.output;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require<FileError>(!error && std::filesystem::is_directory(folder), folder,
                     ": cannot be made a folder for the results", error ? ": " + error.message() : "",
                     ". Name another with -o.");
  return folder;
}

std::string output_file(const Options& o, const std::string& name) {
  Options folder = o;
  if (std::filesystem::is_directory(o.output)) return o.output + "/" + name;
  if (!o.output.empty()) folder.output = std::filesystem::path(o.output).parent_path().string();
  if (!o.output.empty() && folder.output.empty()) return o.output;
  const std::string made = output_folder(folder);
  return o.output.empty() ? made + "/" + name : o.output;
}

void check_outputs(const std::string& file, const std::string& picture) {
  require<UsageError>(file != picture, file, ": would be both the result and its picture. Give -o another ending.");
  for (const std::string& path : {file, picture}) const OutputFile probe(path);
}

std::string with_extension(const std::string& path, const std::string& extension) {
  return std::filesystem::path(path).replace_extension(extension).string();
}

std::vector<std::string> output_stems(const std::vector<std::string>& inputs) {
  std::vector<std::string> stems;
  std::map<std::string, std::string> seen;
  for (const std::string& path : inputs) {
    stems.push_back(std::filesystem::path(path).stem().string());
    const auto [it, fresh] = seen.emplace(stems.back(), path);
    require<UsageError>(fresh, path, " and ", it->second, " would both be written as '", stems.back(),
                        "'. Rename one, or run them one by one with -o.");
  }
  return stems;
}

void choose_inputs(Options& o) {
  std::vector<std::string> all;
  for (const std::string& input : o.inputs) {
    std::error_code none;
    if (!std::filesystem::is_directory(input, none)) {
      all.push_back(input);
      continue;
    }
    const std::vector<std::string> inside = find_pictures(input);
    require<FileError>(!inside.empty(), input, ": has no pictures in it, nor in its folders.");
    all.insert(all.end(), inside.begin(), inside.end());
  }
  output_stems(all);
  o.inputs = all;
  if (o.shard.empty()) return;
  const std::size_t slash = o.shard.find('/');
  const Index part = number(o.shard.substr(0, slash), 1 << 20),
              parts = slash == std::string::npos ? 0 : number(o.shard.substr(slash + 1), 1 << 20);
  require<UsageError>(part >= 1 && part <= parts, "--shard '", o.shard, "': give I/N, the I-th of N parts, like 1/8.");
  o.inputs.clear();
  for (std::size_t i = static_cast<std::size_t>(part - 1); i < all.size(); i += static_cast<std::size_t>(parts))
    o.inputs.push_back(all[i]);
  o.skip_finished = true;
}

void protect_inputs(const Options& o, const std::vector<std::string>& outputs) {
  std::vector<std::string> inputs = o.inputs;
  for (const std::string& path : {o.features, o.project, o.backbone, o.upsampler}) inputs.push_back(path);
  for (const std::string& out : outputs)
    for (const std::string& in : inputs) {
      std::error_code none;
      require<UsageError>(in.empty() || !std::filesystem::equivalent(out, in, none), out,
                          ": is also an input, which the result would replace. Name another place with -o.");
    }
}

Report::Report(const std::string& command, const Options& options)
    : options_(options), start_(now_seconds()), last_(start_) {
  json_["command"] = command;
  json_["inputs"] = options.inputs;
}

double Report::seconds() const { return now_seconds() - start_; }

void Report::stage(const std::string& name) {
  const double t = now_seconds();
  stages_[name] = (stages_.contains(name) ? stages_[name].get<double>() : 0.0) + t - last_;
  last_ = t;
}

void Report::print() {
  json_["seconds"] = {{"total", seconds()}};
  for (const auto& [name, value] : stages_.items()) json_["seconds"][name] = value;
  json_["threads"] = threads();
  json_["isa"] = kernels().isa;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  json_["peak_rss_mb"] = static_cast<double>(usage.ru_maxrss) / 1024;
  if (options_.json) std::cout << json_.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

void print_error(const std::string& message) {
  // One line, whatever a file name or a header held.
  std::string line = message.size() > 1000 ? message.substr(0, 1000) + "..." : message;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  std::fprintf(stderr, "featup: error: %s\n", line.c_str());
}

}  // namespace fu
