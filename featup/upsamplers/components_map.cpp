#include "featup/upsamplers/components_map.h"

#include "core/ops.h"

namespace fu {

ChannelMap map_to(const Pca& pca) {
  return {pca.components.permute({1, 0}), unary(Unary::affine, linear(pca.mean, pca.components, Tensor()), -1)};
}

}  // namespace fu
