#include "layers/transformer.h"

namespace fu {

Mlp::Mlp(const MlpOptions& o, Random* random)
    : gate(o.gated ? std::make_unique<Linear>(o.in, o.hidden, random, o.bias) : nullptr),
      fc1(o.in, o.hidden, random, o.bias),
      fc2(o.hidden, o.out, random, o.bias),
      activation_(o.activation) {
  if (gate) add("w1", *gate);
  add(gate ? "w2" : "fc1", fc1);
  add(gate ? "w3" : "fc2", fc2);
}

void Mlp::pack(const Tensor& scale) {
  if (gate) gate->pack();
  fc1.pack();
  fc2.pack(scale);
}

MultiHeadAttention::MultiHeadAttention(Index dim, Index heads, Random* random, bool qkv_bias, bool proj_bias,
                                       bool causal)
    : qkv(dim, 3 * dim, random, qkv_bias), proj(dim, dim, random, proj_bias), heads_(heads), causal_(causal) {
  require<UsageError>(heads >= 1 && dim % heads == 0, "[attention] ", dim, " channels for ", heads,
                      " heads: must be a multiple.");
  add("qkv", qkv);
  add("proj", proj);
}

TransformerBlock::TransformerBlock(const TransformerBlockOptions& o, Random* random)
    : norm1(o.dim, o.norm_eps),
      attn(o.dim, o.heads, random, o.qkv_bias, o.proj_bias, o.causal),
      norm2(o.dim, o.norm_eps),
      mlp({o.dim, o.mlp_hidden, o.dim, o.activation, o.gated_mlp, o.mlp_bias}, random) {
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
  mlp.pack(ls2 ? ls2->gamma.value : Tensor());
  for (LayerScale* scale : {ls1.get(), ls2.get()})
    if (scale) scale->gamma.trainable = false, scale->gamma.packed = true;
  packed_ = true;
}

}  // namespace fu
