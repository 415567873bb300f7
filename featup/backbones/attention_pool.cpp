#include "featup/backbones/attention_pool.h"

namespace fu {

AttentionPool::AttentionPool(Index dim, Index heads, Index hidden, Activation activation, real eps, Random* random)
    : dim_(dim),
      heads_(heads),
      probe_(),
      attn_(dim, heads, random),
      norm_(dim, eps),
      mlp_({dim, hidden, dim, activation, false, true}, random) {
  probe_.set(random ? random->normal({1, 1, dim}) : Tensor({1, 1, dim}));
  add("probe", probe_);
  add("attn", attn_);
  add("norm", norm_);
  add("mlp", mlp_);
}

void AttentionPool::pack() {
  attn_.qkv.pack();
  attn_.proj.pack();
  mlp_.pack();
}

}  // namespace fu
