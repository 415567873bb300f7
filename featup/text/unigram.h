// SentencePiece's unigram model: of all ways to cut a word, the most probable.
#pragma once

#include "featup/text/pipeline.h"

namespace fu {

/// pieces: text and logarithm of its probability, by number. unknown: the number for characters that no piece has;
/// several in a row become one.
/// throws FileError beginning with `owner` if a piece is empty or there twice, a score is not finite, or `unknown` is
/// no piece.   cost of encode: characters times the length of the longest piece. source: Kudo, Subword Regularization
/// (arXiv 1804.10959)
std::shared_ptr<const PieceModel> make_unigram_model(const std::vector<std::pair<std::string, double>>& pieces,
                                                     Index unknown, const std::string& owner);

}  // namespace fu
