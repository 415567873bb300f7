// The steps of a tokenizer.json before its model. What is not known here is refused by name.
#pragma once

#include "featup/text/json_node.h"
#include "featup/text/pipeline.h"

namespace fu {

/// Lowercase, NFC, Replace, Prepend, Strip, Precompiled, Sequence.
void read_normalizer(const JsonNode& node, std::vector<TextStep>& steps);

/// Split, Metaspace, WhitespaceSplit, ByteLevel, Sequence. bytes is set by ByteLevel: the model is one of bytes.
void read_pre_tokenizer(const JsonNode& node, std::vector<SplitStep>& steps, bool& bytes);

/// RobertaProcessing, BertProcessing, TemplateProcessing, ByteLevel, Sequence: the tokens before and behind a text.
void read_post_processor(const JsonNode& node, std::vector<Index>& start, std::vector<Index>& end);

/// The number of a token, within range.
Index read_token_number(const JsonNode& node);

}  // namespace fu
