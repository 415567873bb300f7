// From text to the numbers of its pieces, as CLIP, SigLIP and SigLIP 2 cut it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base.h"

namespace fu {

/// Text to the numbers of its pieces.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// "CLIP's byte-pair encoding, 49408 pieces, from vocab.json and merges.txt"
  virtual std::string describe() const = 0;
  /// Numbers of a text, with the start and end tokens that its models want, at most `length` of them: a longer text is
  /// cut, the end token stays last. `cut` (may be null) is set to whether that happened. Not padded. Bytes that are no
  /// UTF-8 are read as U+FFFD. A special token that is written out in the text ("<|endoftext|>", "</s>") becomes that
  /// token, as in the original code.
  /// throws UsageError if the length has no room for start and end, or the text has more than 16 MB.
  /// cost: n log n in the length of the text, at worst 100 bytes of memory for each of its own.
  virtual std::vector<Index> ids(const std::string& text, Index length, bool* cut = nullptr) const = 0;
  /// Size of the vocabulary: every number is below it.
  virtual Index pieces() const = 0;
  /// What text shorter than the model's length is filled up with; -1 where nothing is needed (CLIP).
  virtual Index padding() const = 0;
};

/// Opens a tokenizer's files. In a folder, the first of these that is there: tokenizer.json, of CLIP, of SigLIP
/// (Unigram) or of SigLIP 2 (BPE with byte fallback), told by its content; vocab.json and merges.txt, of CLIP;
/// bpe_simple_vocab_16e6.txt.gz, of CLIP, or the same unpacked, .txt.
/// A file: any of these; vocab.json and merges.txt are looked for beside each other.
/// tokenizer.json is followed in its normalizer, pre_tokenizer, model, added_tokens and post_processor; what is in
/// these and not known here is refused by name. Its truncation and padding are up to the caller, its decoder is not
/// needed. Before that, text is cleaned as in the code that the models were trained with, whichever file it is, so that
/// all files of a model give the same numbers: clean_text.h says how for CLIP and SigLIP; SigLIP 2's is lower-cased.
/// throws FileError naming what was looked for, or what is wrong with a file.
std::unique_ptr<Tokenizer> open_tokenizer(const std::string& folder_or_file);

}  // namespace fu
