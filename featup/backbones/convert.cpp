#include "featup/backbones/convert.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/files/narrow_file.h"
#include "featup/backbones/registry.h"

namespace fu {

namespace {

DType stored_type(NarrowType type) {
  switch (type) {
    case NarrowType::none: return DType::f32;
    case NarrowType::f16: return DType::f16;
    case NarrowType::bf16: return DType::bf16;
    case NarrowType::int8: return DType::i8;
  }
  return DType::f32;
}

/// The tensor that is being written, so that its parts are not read from the file again and again.
class CurrentTensor {
 public:
  explicit CurrentTensor(const Weights& weights) : weights_(weights) {}
  /// type: what it will be written as, which must hold it.
  const Tensor& get(const std::string& name, NarrowType type) {
    if (name != name_) {
      values_ = weights_.read(name);
      numbers_ = Tensor();
      name_ = name;
      require<FileError>(fits_narrow(values_, type), weights_.path(), ": tensor '", printable(name),
                         "' holds a number that ", narrow_name(type), " does not: infinite, none, or too large.");
    }
    return values_;
  }
  const Tensor& int8(const std::string& name) {
    const Tensor& values = get(name, NarrowType::int8);
    if (numbers_.size() != values.size()) numbers_ = int8_numbers(values, int8_scales(values));
    return numbers_;
  }

 private:
  const Weights& weights_;
  std::string name_;
  Tensor values_, numbers_;
};

void copy_part(const Tensor& t, Index begin, Index n, real* out) { std::copy_n(t.data() + begin, n, out); }

/// The outputs for one tensor.
void add_outputs(const Weights& weights, const std::string& name, NarrowType type, DType plain, CurrentTensor& current,
                 std::vector<TensorOutput>& outputs) {
  const Shape& shape = weights.shape(name);
  if (type != NarrowType::int8) {
    const auto source = [&current, name, type](Index begin, Index n, real* out) {
      copy_part(current.get(name, type), begin, n, out);
    };
    outputs.push_back({name, shape, source, type == NarrowType::none ? plain : stored_type(type)});
    return;
  }
  const std::string scale = name + kScaleEnding;
  require<FileError>(!weights.has(scale), weights.path(), ": has a tensor '", printable(scale),
                     "', the name under which scales are written. Its weights cannot be int8; take bf16.");
  outputs.push_back(
      {name, shape, [&current, name](Index begin, Index n, real* out) { copy_part(current.int8(name), begin, n, out); },
       DType::i8});
  outputs.push_back({scale,
                     {shape[0]},
                     [&current, name](Index begin, Index n, real* out) {
                       copy_part(int8_scales(current.get(name, NarrowType::int8)), begin, n, out);
                     },
                     DType::f32});
}

/// How the backbone is run, as far as its tensors do not tell.
std::map<std::string, std::string> carried_by(const Weights& weights, const BackboneSummary& backbone) {
  std::string text;
  bool reads_files = std::filesystem::is_directory(weights.path());
  for (const BackboneSetting& s : backbone.settings) {
    const bool told = s.name == "heads" || s.name == "eps" || s.name == "activation" || s.name == "positions" ||
                      s.name == "mean" || s.name == "std";
    if (told) text += (text.empty() ? "" : " ") + s.name + "=" + s.value;
    // Files beside a single file may be another model's: then no setting comes from them.
    reads_files = reads_files || (s.source.size() > 5 && s.source.compare(s.source.size() - 5, 5, ".json") == 0);
  }
  std::map<std::string, std::string> carried = carried_config(reads_files ? weights.folder() : "", text);
  carried[kConvertedKey] = kConvertedVersion;
  return carried;
}

}  // namespace

ConvertedWeights convert_weights(const Weights& weights, const std::string& path, NarrowType type,
                                 const BackboneOptions& options) {
  const auto backbone = describe_backbone(weights, options);
  require<FileError>(backbone || type == NarrowType::none, weights.path(),
                     ": holds no backbone, and only a backbone's weights can be ", narrow_name(type),
                     ". It can be converted as f32.");
  std::map<std::string, std::string> metadata = weights.metadata();
  if (backbone && metadata.count(kConvertedKey) == 0) metadata.merge(carried_by(weights, *backbone));
  ConvertedWeights done;
  CurrentTensor current(weights);
  std::vector<TensorOutput> outputs;
  for (const auto& [name, entry] : weights.entries()) {
    const bool narrow = backbone && type != NarrowType::none && backbone->narrow_tensors.count(name) > 0;
    const bool used = backbone && name.compare(0, backbone->prefix.size(), backbone->prefix) == 0;
    const bool half = entry.type == DType::f16 || entry.type == DType::bf16;
    const bool stays = half && !used && type != NarrowType::none;
    add_outputs(weights, name, narrow ? type : NarrowType::none, stays ? entry.type : DType::f32, current, outputs);
    ++done.tensors;
    done.narrow += narrow;
  }
  // Wide numbers first: so each tensor begins at a multiple of its numbers' size.
  std::stable_sort(outputs.begin(), outputs.end(), [](const TensorOutput& a, const TensorOutput& b) {
    return dtype_size(a.type) > dtype_size(b.type);
  });
  write_safetensors(path, outputs, metadata);
  return done;
}

}  // namespace fu
