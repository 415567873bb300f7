// The readers behind open_tokenizer, one for each kind of file.
#pragma once

#include "featup/text/json_node.h"
#include "featup/text/merges.h"
#include "featup/text/tokenizer.h"

namespace fu {

/// tokenizer.json; the padding token also from the tokenizer_config.json beside it.
std::unique_ptr<Tokenizer> read_tokenizer_json(const JsonNode& file);
/// vocab.json and merges.txt of CLIP.
std::unique_ptr<Tokenizer> read_clip_vocabulary(const JsonNode& vocabulary, const std::string& merges);
/// CLIP's merges alone, as bpe_simple_vocab_16e6.txt.gz: the numbers of the pieces follow from their order.
std::unique_ptr<Tokenizer> read_clip_merges(const std::string& path);

/// A JSON object of pieces and their numbers.
Vocabulary read_vocabulary(const JsonNode& node);
/// "vocab.json" of "/models/clip/vocab.json"
std::string file_name(const std::string& path);

}  // namespace fu
