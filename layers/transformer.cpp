#include "layers/transformer.h"

namespace fu {

Mlp::Mlp(Index in, Index hidden, Index out, Random* random) : fc1(in, hidden, random), fc2(hidden, out, random) {
  add("fc1", fc1);
  add("fc2", fc2);
}

MultiHeadAttention::MultiHeadAttention(Index dim, Index heads, Random* random, bool qkv_bias)
    : qkv(dim, 3 * dim, random, qkv_bias), proj(dim, dim, random), heads_(heads) {
  require<UsageError>(heads >= 1 && dim % heads == 0, "[attention] ", dim, " channels for ", heads,
                      " heads: must be a multiple.");
  add("qkv", qkv);
  add("proj", proj);
}

TransformerBlock::TransformerBlock(const TransformerBlockOptions& o, Random* random)
    : norm1(o.dim, o.norm_eps),
      attn(o.dim, o.heads, random, o.qkv_bias),
      norm2(o.dim, o.norm_eps),
      mlp(o.dim, o.mlp_hidden, o.dim, random) {
  add("norm1", norm1);
  add("attn", attn);
  add("norm2", norm2);
  add("mlp", mlp);
  if (!o.layer_scale) return;
  ls1 = std::make_unique<LayerScale>(o.dim);
  ls2 = std::make_unique<LayerScale>(o.dim);
  add("ls1", *ls1);
  add("ls2", *ls2);
}

void TransformerBlock::pack() {
  attn.qkv.pack();
  attn.proj.pack(ls1 ? ls1->gamma.value : Tensor());
  mlp.fc1.pack();
  mlp.fc2.pack(ls2 ? ls2->gamma.value : Tensor());
  for (LayerScale* scale : {ls1.get(), ls2.get()})
    if (scale) scale->gamma.trainable = false, scale->gamma.packed = true;
  packed_ = true;
}

}  // namespace fu
