// The two byte-pair encodings: of bytes within a word (CLIP), and of characters over whole text (Gemma, SigLIP 2).
#pragma once

#include <memory>

#include "featup/text/merges.h"
#include "featup/text/pipeline.h"

namespace fu {

/// The character that stands for a byte in the vocabularies of byte-level encodings: printable ones for themselves
/// (33-126, 161-172, 174-255), the others in increasing order for U+0100, U+0101, ...   source: GPT-2's
/// bytes_to_unicode
char32_t character_of_byte(unsigned char byte);
/// All bytes in the order of CLIP's first 256 pieces: those that stand for themselves, then the others.
const std::vector<unsigned char>& bytes_in_order();

/// End of a word in CLIP's pieces.
constexpr const char* kWordEnd = "</w>";

/// CLIP's: a word becomes bytes, the last one with "</w>". whole: words that are a piece as they are.
/// throws FileError beginning with `owner` if a byte or a part of a merge is missing.
std::shared_ptr<const PieceModel> make_byte_model(Vocabulary vocabulary, const Merges::Pairs& merges, MergeOrder order,
                                                  const std::vector<std::string>& whole, const std::string& owner);

/// Gemma's: a text becomes characters; those that are no piece become the pieces of their bytes, "<0xAB>".
std::shared_ptr<const PieceModel> make_character_model(Vocabulary vocabulary, const Merges::Pairs& merges,
                                                       const std::string& owner);

}  // namespace fu
