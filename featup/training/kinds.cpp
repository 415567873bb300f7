#include "featup/training/kinds.h"

namespace fu {

// The functions that make the entries.
#define FU_TRAINED(name) TrainedKind trained_kind_##name();
#include "featup/training/kinds.def"
#undef FU_TRAINED

namespace {

std::string words_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Tensor LearnedUpsampler::source(const Tensor& features, const Tensor&) const { return features; }
Var LearnedUpsampler::mixed(const Var& x) const { return x; }
Var LearnedUpsampler::constant() const { return Var(Tensor()); }

const std::vector<TrainedKind>& trained_kinds() {
  static const std::vector<TrainedKind> kinds = {
#define FU_TRAINED(name) trained_kind_##name(),
#include "featup/training/kinds.def"
#undef FU_TRAINED
  };
  return kinds;
}

std::vector<std::string> trained_kind_names() {
  std::vector<std::string> names;
  for (const TrainedKind& kind : trained_kinds()) names.push_back(kind.name);
  return names;
}

std::vector<std::string> attention_kind_names() {
  std::vector<std::string> names = trained_kind_names();
  names.erase(names.begin());
  return names;
}

const TrainedKind& trained_kind(const std::string& name) {
  for (const TrainedKind& kind : trained_kinds())
    if (kind.name == name) return kind;
  throw UsageError("[train] kind '" + name + "': choices are " + words_of(trained_kind_names()) + ".");
}

void start_from(LearnedUpsampler& upsampler, const TrainedKind& kind, const Weights& file) {
  if (!kind.reads(file))
    for (const TrainedKind& other : trained_kinds())
      require<FileError>(!other.reads(file), file.path(), ": holds an upsampler of the kind ", other.name, ", not ",
                         kind.name, ". Train that kind, or give a file of this one.");
  require<FileError>(kind.reads(file), file.path(), ": holds no upsampler of the kind ", kind.name, ".");
  upsampler.read(file);
}

}  // namespace fu
