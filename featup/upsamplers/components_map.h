// Principal components as a linear map over channels.
#pragma once

#include "core/ops/pca.h"
#include "featup/upsamplers/channel_map.h"

namespace fu {

/// Features (..,C) to their principal components (..,K): x -> (x - mean) components^T.
ChannelMap map_to(const Pca& pca);

}  // namespace fu
