// Weights in another form: one .safetensors, a backbone's layers in 16 or 8 bits a number.
#pragma once

#include <string>

#include "core/files/weights.h"
#include "core/ops/narrow.h"
#include "featup/backbones/backbone.h"

namespace fu {

/// How many tensors a converted file has, and how many of them are narrow.
struct ConvertedWeights {
  Index tensors = 0, narrow = 0;
};

/// Writes weights of any format to `path`, as .safetensors, under the names that they have. The file appears when it is
/// complete; one tensor at a time is in memory.
///   none             all tensors as f32
///   f16, bf16, int8  the weights of a backbone's linear layers and convolutions in that type, int8 with a scale for
///   each
///                    output; its norms, biases and positions as f32; what the backbone does not use (a classifier, a
///                    text encoder) in 16 bits where it was, else as f32
/// The metadata are kept; of a backbone they say besides how it is run: what stood in files beside it, what its file's
/// name or form told, and what the options say. open_backbone() of the result gives the same features as of the
/// original with that BackboneOptions::precision. throws FileError for narrow types if the weights are no backbone's,
/// and for a weight that the type does not hold.
/// @code
/// convert_weights(backbone_weights("builtin"), "small.safetensors", NarrowType::bf16);
/// const auto backbone = open_backbone("small.safetensors");
/// assert(backbone->patch() == 16);
/// @endcode
ConvertedWeights convert_weights(const Weights& weights, const std::string& path, NarrowType type,
                                 const BackboneOptions& options = {});

}  // namespace fu
