#include "featup/backbones/settings.h"

#include <cmath>
#include <filesystem>
#include <sstream>

#include "core/files/narrow_file.h"
#include "core/number_text.h"
#include "core/ops.h"

namespace fu {

namespace {

std::string text_of(const std::array<double, 3>& numbers) {
  return number_text(numbers[0], 9) + "," + number_text(numbers[1], 9) + "," + number_text(numbers[2], 9);
}

}  // namespace

std::optional<NarrowType> wanted_precision(const BackboneOptions& options) {
  if (options.precision == "auto") return {};
  return narrow_type_of(options.precision);
}

void say_precision(const NamedTensors& tensors, const BackboneOptions& options, BackboneSummary& summary) {
  summary.narrow_tensors = tensors.narrow_tensors();
  std::set<std::string> types;
  for (const std::string& name : summary.narrow_tensors)
    types.insert(dtype_name(tensors.weights().entries().at(name).type));
  const std::optional<NarrowType> wanted = wanted_precision(options);
  if (wanted) {
    summary.settings.push_back({"precision", narrow_name(*wanted), "option"});
    return;
  }
  if (!is_converted(tensors.weights().metadata())) return;
  for (const NarrowType type : {NarrowType::f16, NarrowType::bf16, NarrowType::int8})
    if (types.count(type == NarrowType::int8 ? "i8" : narrow_name(type)))
      summary.settings.push_back({"precision", narrow_name(type), "as the file has them"});
}

bool BackboneFile::of_featup() const {
  return prefix.compare(0, 14, "model.0.model.") == 0 || prefix.compare(0, 12, "model.model.") == 0;
}

std::string BackboneFile::name() const {
  std::filesystem::path path(weights.path());
  if (!path.has_filename()) path = path.parent_path();
  return path.filename().string();
}

std::array<double, 3> parse_triple(const std::string& field, const std::string& text, bool positive) {
  std::array<double, 3> numbers{};
  std::istringstream in(text);
  in.exceptions(std::ios::badbit);  // a stream else takes missing memory for the end of the text
  in.imbue(std::locale::classic());
  char comma = ',';
  bool good = true;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i > 0) good = good && in >> comma && comma == ',';
    good = good && in >> numbers[i] && std::isfinite(numbers[i]) && (!positive || numbers[i] > 0);
  }
  require<UsageError>(good && in.peek() == std::istringstream::traits_type::eof(), "[", field, "] '", text,
                      "': give three ", positive ? "positive " : "", "numbers, for red, green and blue, like ",
                      positive ? "0.229,0.224,0.225." : "0.485,0.456,0.406.");
  return numbers;
}

Normalization choose_normalization(const BackboneFile& file, const BackboneOptions& options, const Normalization& usual,
                                   const std::string& because, std::vector<BackboneSetting>& settings) {
  require<UsageError>(options.mean.empty() == options.std.empty(),
                      "[backbone] mean and std belong together: give both, or none.");
  Normalization chosen = usual;
  std::string source = because;
  if (!options.mean.empty()) {
    chosen = {parse_triple("mean", options.mean, false), parse_triple("std", options.std, true)};
    source = "option";
  } else if (file.config.normalization) {
    chosen = file.config.normalization->value;
    source = file.config.normalization->source;
  }
  settings.push_back({"mean", text_of(chosen.mean), source});
  settings.push_back({"std", text_of(chosen.deviation), source});
  return chosen;
}

Tensor renormalized(const Tensor& image, const Normalization& wanted) {
  if (wanted.mean == kImageNet.mean && wanted.deviation == kImageNet.deviation) return image;
  Tensor scale({3}), shift({3});
  for (std::size_t i = 0; i < 3; ++i) {
    scale.data()[i] = static_cast<real>(kImageNet.deviation[i] / wanted.deviation[i]);
    shift.data()[i] = static_cast<real>((kImageNet.mean[i] - wanted.mean[i]) / wanted.deviation[i]);
  }
  return image * scale + shift;
}

void check_width(BackboneFile& file, Index width) {
  if (!file.config.width || file.config.width->value == width) return;
  std::error_code none;
  require<FileError>(!std::filesystem::is_directory(file.weights.path(), none), file.weights.path(), ": its ",
                     file.config.width->source, " speaks of a width of ", file.config.width->value,
                     ", but its tensors have ", width, ". They belong to two models.");
  file.config = ModelConfig();
}

}  // namespace fu
