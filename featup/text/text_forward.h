// The forward pass of a text encoder, for text_inference.cpp and text_training.cpp, which instantiate it.
#pragma once

#include "core/ops/gather.h"
#include "featup/text/text_transformer.h"

namespace fu {

template <class X>
X TextTransformer::features(const TokenIds& texts) const {
  const TextConfig& c = config_;
  const auto n = static_cast<Index>(texts.size());
  const Index tokens = n > 0 ? static_cast<Index>(texts.front().size()) : 0;
  require<ShapeError>(tokens >= 1 && tokens <= c.length, "[text] ", n, " texts of ", tokens,
                      " tokens: give at least one text, of 1 to ", c.length, " tokens.");
  auto rows = std::make_shared<std::vector<Index>>();
  for (const std::vector<Index>& text : texts) {
    require<ShapeError>(static_cast<Index>(text.size()) == tokens, "[text] texts of ", tokens, " and of ", text.size(),
                        " tokens: all must be of one length.");
    rows->insert(rows->end(), text.begin(), text.end());
  }
  const std::shared_ptr<const std::vector<Index>> positions = std::move(rows);
  X x = reshape(gather(as<X>(token_embedding_.weight), positions), {n, tokens, c.dim}) +
        reshape(slice(as<X>(positional_embedding_), 0, 0, tokens), {1, tokens, c.dim});
  for (const auto& block : blocks_.list) x = (*block)(std::move(x));
  return reshape(projection_(ln_final_(slice(x, 1, tokens - 1, tokens))), {n, c.out});
}

}  // namespace fu
