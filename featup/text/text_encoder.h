// Text encoders: from the numbers of a text's pieces to a vector that is compared with those of images.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/backbones/backbone.h"
#include "featup/text/text_transformer.h"

namespace fu {

/// How a cosine of an image's and a text's vector becomes a score: scale * cosine + bias; then softmax over the texts
/// (CLIP), or each by itself through a sigmoid (SigLIP).
struct TextScore {
  double scale = 100, bias = 0;
  bool sigmoid = false;
};

/// A text encoder, ready to be used.
class TextEncoder {
 public:
  /// For people: "CLIP text encoder, 12 blocks of width 512, 77 tokens".
  const std::string& describe() const { return description_; }
  const std::vector<BackboneSetting>& settings() const { return settings_; }
  /// Tokens of a text at most, start and end included.
  Index length() const { return model_->config().length; }
  Index channels() const { return model_->config().out; }
  /// Pieces that it knows: numbers of tokens are below that.
  Index vocabulary() const { return model_->config().vocabulary; }
  /// Whether texts must be filled up to length() (SigLIP), or end with their end token (CLIP).
  bool wants_padding() const { return !model_->config().causal; }
  const TextScore& score() const { return score_; }

  /// Texts of any lengths  ->  (n,channels), not normalised. Of CLIP, tokens behind the end token (the first of the
  /// highest number) do not matter. Texts of one length run together. throws ShapeError for a text without tokens or of
  /// more than length(), or for numbers beyond the vocabulary.
  Tensor features(const TokenIds& texts) const;

 private:
  friend std::unique_ptr<TextEncoder> open_text_encoder(const std::string& path, const BackboneOptions& options);
  std::unique_ptr<TextTransformer> model_;
  std::string description_;
  std::vector<BackboneSetting> settings_;
  TextScore score_;
};

/// Opens the text encoder in a file or folder of CLIP or SigLIP weights: with OpenAI's, OpenCLIP's or Hugging Face's
/// names. Of the options, heads is not used, and activation and norm_eps are those of the image encoder too. throws
/// FileError if there is none, or if it has a tensor that no layer uses.
std::unique_ptr<TextEncoder> open_text_encoder(const std::string& path, const BackboneOptions& options = {});

/// Vectors of length 1: (n,C) -> (n,C). A vector of zeros stays.
Tensor normalized_rows(const Tensor& x);

}  // namespace fu
