// Linear maps over channels that the command line asks for.
#pragma once

#include "featup/upsamplers/upsampler.h"
#include "tools/cli/arguments.h"

namespace fu {

/// The matrix (C,K) of a file; of size 0 for an empty path. throws FileError.
Tensor read_projection(const std::string& path);

/// The map that --project and --pca ask for: first the projection, then the principal components of what it gives,
/// fitted to these features (1,h,w,C). Without either, its matrix has size 0. owner: how errors begin to speak of the
/// features, "the features have". throws UsageError if the channels do not fit.
ChannelMap channel_map(const ProjectionArgs& options, const Tensor& projection, const Tensor& features,
                       const std::string& owner);

/// x matrix + offset; x itself without a matrix.
Tensor apply_map(const Tensor& x, const ChannelMap& map);

}  // namespace fu
