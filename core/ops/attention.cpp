#include "core/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"

namespace fu {

Tensor attention(const Tensor& qkv, Index heads) {
  require<ShapeError>(qkv.rank() == 3 && heads >= 1 && qkv.dim(2) % (3 * heads) == 0, "[attention] qkv ", qkv.shape(),
                      " with ", heads, " heads: must be (B,N,3C) with C a multiple of the heads.");
  AttentionArgs args;
  args.batch = qkv.dim(0), args.tokens = qkv.dim(1), args.heads = heads, args.head_dim = qkv.dim(2) / 3 / heads;
  args.scale = static_cast<real>(1 / std::sqrt(static_cast<double>(args.head_dim)));
  args.qkv = qkv.data();
  Tensor y({args.batch, args.tokens, qkv.dim(2) / 3});
  Tensor scratch({std::max<Index>(1, kernels().attention_scratch(args))});
  args.y = y.data();
  args.scratch = scratch.data();
  kernels().attention(args);
  return y;
}

}  // namespace fu
