// SentencePiece's precompiled normalization: a table from sequences of bytes to their replacements.
#pragma once

#include "featup/text/pipeline.h"

namespace fu {

/// The step that a "Precompiled" normalizer names: at each place the longest sequence that the table has is replaced,
/// as SentencePiece does. (Hugging Face's tokenizers look up single characters and short clusters instead: the same,
/// but for rare sequences of combining marks.) base64: number of bytes of a double-array trie (Darts-clone, 32-bit
/// units), the trie, replacements that end with 0. throws FileError beginning with `owner` if it is damaged.
TextStep precompiled_normalizer(const std::string& base64, const std::string& owner);

}  // namespace fu
