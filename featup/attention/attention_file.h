// Files of attention upsamplers: which network they are for, and their tensors, every one accounted for.
#pragma once

#include "core/files/weights.h"
#include "layers/module.h"

namespace fu {

/// Whether the file has tensors of all these names behind one common prefix.
bool has_tensors(const Weights& file, const std::vector<std::string>& names);

/// What stands before the published names in the file. throws FileError if it has no image encoder.
std::string attention_prefix(const Weights& file);

/// Reads every parameter of the network. `unused`: patterns of tensors that belong to the published network and have no
/// effect on its results. throws FileError naming a tensor that is missing, of another shape, or not known.
void load_attention_file(Module& network, const Weights& file, const std::vector<std::string>& unused);

}  // namespace fu
