// What a probe learned: a linear layer, or two, from the features of a backbone to classes or numbers, and its file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/upsamplers/channel_map.h"

namespace fu {

/// What a probe learned, and what it must be given: classes or numbers from features.
struct Probe {
  /// Whether outputs are scores of classes, or numbers such as depths.
  enum class Kind { classes, numbers };
  Kind kind = Kind::classes;
  Tensor hidden_weight, hidden_bias;  // (M,C), (M): one hidden layer, then ReLU; of size 0: none
  Tensor weight, bias;                // (K,C) or (K,M); (K). Standardisation of features is folded in
  Tensor centre;                      // numbers: (K), the mean of what was learned from; of size 0: 0
  std::vector<std::string> names;     // of the K outputs
  std::string backbone;               // Backbone::describe() of the one it was trained on
  std::string settings;               // settings_text() of it, so that a probe of another feature or layer is refused
  Index channels = 0;                 // C
  std::string size = "own";  // the photos' size at the backbone: N (short side), HxW, or "own": as they are, cut
                             // to whole patches
  std::string upsampler;     // method whose upsampled features it was trained on; empty: low-resolution ones
  Index unlabelled = 255;    // classes: the label that stood for "no class"
  std::string unit;          // numbers: free text, may be empty

  Index outputs() const { return bias.size(); }  // K
  bool has_hidden() const { return hidden_weight.size() > 0; }
};

/// Reads a probe's file. throws FileError that names path, tensor, expected and found: for files of something else,
/// shapes that do not fit together, numbers that are not finite, and metadata that is missing or makes no sense.
Probe read_probe(const std::string& path);
Probe read_probe(const Weights& file);
/// Whether a file says that it is a probe. read_probe() may still refuse it.
bool is_probe(const Weights& file);
/// Writes a probe as .safetensors. more: further metadata. throws FileError; UsageError for a probe whose shapes do not
/// fit together, or whose names hold line breaks.
void write_probe(const std::string& path, const Probe& probe, const std::map<std::string, std::string>& more = {});
/// For people: "3 classes from 192 channels by a linear layer (road, sky, tree)".
std::string describe_probe(const Probe& probe);

/// The hidden layer: features (1,h,w,C) -> relu(W x + b) (1,h,w,M). Without one, the features themselves. throws
/// ShapeError for other channels than the probe's.
Tensor probe_hidden(const Probe& probe, const Tensor& features);
/// The last layer as a map of channels: (C or M, K) with its offset. The offset is added before upsampling, so that
/// kernels whose weights do not sum to 1 favour no class; behind it for a probe that was trained on upsampled features.
///   centred: without probe.centre, which is then to be added to what is upsampled. Such kernels change numbers by a
///   share of them, which is least around 0.
ChannelMap probe_outputs(const Probe& probe, bool centred = false);
/// Both layers: features (..,C) -> logits or numbers (..,K).
Tensor apply_probe(const Probe& probe, const Tensor& features);

}  // namespace fu
