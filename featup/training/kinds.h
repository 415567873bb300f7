// The kinds of upsamplers that can be trained, by name: the list from which options, help and errors are made.
#pragma once

#include <functional>
#include <memory>

#include "featup/jbu/jbu_layers.h"
#include "featup/jbu/token_filter.h"
#include "featup/training/learned_upsampler.h"

namespace fu {

/// What a kind is built from. Each takes what concerns it.
struct LearnedUpsamplerOptions {
  JbuLayersOptions layers;  // jbu
  TokenFilter filter;       // jbu: of the features, before the first level; not learned, and passes no gradient
  Index upscale = 8;        // the others: pixels of the map for each cell of the features, along an axis
};

/// One kind: its file in this folder makes this entry, its line in kinds.def lists it.
struct TrainedKind {
  std::string name, summary;  // "jbu", and a few words for lists
  double lr = 1e-3;           // what a training begins with
  /// Whether a file holds an upsampler of this kind.
  std::function<bool(const Weights& file)> reads;
  /// channels C of the features. Without `random`, values are undefined until they are loaded.
  std::function<std::unique_ptr<LearnedUpsampler>(Index channels, const LearnedUpsamplerOptions&, Random* random)> make;
};

/// In the order of kinds.def.
const std::vector<TrainedKind>& trained_kinds();
/// Their names, in the same order.
std::vector<std::string> trained_kind_names();
/// All but jbu: they attend from pixels to cells.
std::vector<std::string> attention_kind_names();
/// throws UsageError that names the choices.
const TrainedKind& trained_kind(const std::string& name);
/// Starts from a file's values. throws FileError if the file is of another kind, or does not fit.
void start_from(LearnedUpsampler& upsampler, const TrainedKind& kind, const Weights& file);

}  // namespace fu
