#include "featup/attention/queries_and_keys.h"

#include "core/isa.h"
#include "featup/attention/blocks.h"

namespace fu {

void attend(const QueriesAndKeys& made, const Tensor& values, const CellWindows& windows, HeadUse use, real* out) {
  CellAttentionArgs args = cell_attention_args(made.queries, made.keys, values, windows, kAttentionHeads, use);
  Tensor scratch({kernels().cell_attention_scratch(args) + 1});
  args.y = out, args.scratch = scratch.data();
  kernels().cell_attention(args);
}

}  // namespace fu
