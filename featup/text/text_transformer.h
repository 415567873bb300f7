// The transformer of CLIP's and SigLIP's text encoders.
#pragma once

#include <memory>
#include <vector>

#include "layers/transformer.h"

namespace fu {

/// Numbers of the pieces of texts, all of one length.
using TokenIds = std::vector<std::vector<Index>>;

/// Sizes and form of a text encoder's transformer.
struct TextConfig {
  Index vocabulary = 0, length = 0;  // pieces that there are, and positions
  /// Channels of a token, blocks, heads of attention, hidden channels of an MLP, channels of the result.
  Index dim = 0, depth = 0, heads = 0, mlp_hidden = 0, out = 0;
  Activation activation = Activation::quick_gelu;
  real norm_eps = real(1e-5);
  bool causal = true;     // CLIP: a token sees those before it; SigLIP: all
  bool out_bias = false;  // of the last layer: SigLIP
};

/// Parameters: token_embedding.weight (vocabulary,dim), positional_embedding (length,dim), blocks.N, ln_final,
/// projection.
/// source: arXiv 2103.00020 (CLIP), 2303.15343 (SigLIP)
class TextTransformer : public Module {
 public:
  /// A new one. Without `random`, its values are undefined until it is loaded.
  TextTransformer(const TextConfig& config, Random* random);
  /// For inference: packs all weights.
  void pack();
  const TextConfig& config() const { return config_; }

  /// n texts of equally many tokens, at most `length`  ->  (n,out): the last token's vector through the final norm and
  /// the projection. X is Tensor for inference, or Var for training. cost: about 24 dim^2 flops a token and block.
  /// throws ShapeError for texts of several lengths, none, or more than `length`, and for numbers beyond the
  /// vocabulary.
  template <class X>
  X features(const TokenIds& texts) const;

 private:
  TextConfig config_;
  struct Embedding : Module {
    Parameter weight;
    Embedding(const TextConfig& config, Random* random);
  } token_embedding_;
  Parameter positional_embedding_;
  struct Blocks : Module {
    std::vector<std::unique_ptr<TransformerBlock>> list;
    Blocks(const TextConfig& config, Random* random);
  } blocks_;
  LayerNorm ln_final_;
  Linear projection_;
};

}  // namespace fu
