#include "featup/text/text_transformer.h"

namespace fu {

TextTransformer::Embedding::Embedding(const TextConfig& c, Random* random) {
  weight.set(random ? unary(Unary::affine, random->normal({c.vocabulary, c.dim}), real(0.02))
                    : Tensor({c.vocabulary, c.dim}));
  add("weight", weight);
}

TextTransformer::Blocks::Blocks(const TextConfig& c, Random* random) {
  TransformerBlockOptions o;
  o.dim = c.dim, o.heads = c.heads, o.mlp_hidden = c.mlp_hidden, o.activation = c.activation;
  o.norm_eps = c.norm_eps, o.causal = c.causal;
  for (Index i = 0; i < c.depth; ++i) {
    list.push_back(std::make_unique<TransformerBlock>(o, random));
    add(std::to_string(i), *list.back());
  }
}

TextTransformer::TextTransformer(const TextConfig& c, Random* random)
    : config_(c),
      token_embedding_(c, random),
      blocks_(c, random),
      ln_final_(c.dim, c.norm_eps),
      projection_(c.dim, c.out, random, c.out_bias) {
  positional_embedding_.set(random ? unary(Unary::affine, random->normal({c.length, c.dim}), real(0.01))
                                   : Tensor({c.length, c.dim}));
  add("token_embedding", token_embedding_);
  add("positional_embedding", positional_embedding_);
  add("blocks", blocks_);
  add("ln_final", ln_final_);
  add("projection", projection_);
}

void TextTransformer::pack() {
  set_trainable(false);
  for (const auto& block : blocks_.list) block->pack();
  projection_.pack();
}

}  // namespace fu
