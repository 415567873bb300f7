// Words as classes: their vectors, what their scores mean, and the files that keep both.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/classes/classes.h"
#include "featup/text/prompts.h"

namespace fu {

/// K words as vectors of C channels, and where they come from.
struct Words {
  std::vector<std::string> names;                       // K
  Tensor matrix;                                        // (C,K): columns of length 1
  TextScore score;                                      // what their cosines mean
  std::string encoder, tokenizer, settings, templates;  // in words; of files made elsewhere, empty
};

/// The words as classes: cosines, through softmax or sigmoid.
Classes classes_of(const Words& words);

/// As .safetensors: the matrix under "words", everything else as metadata. The names hold no line breaks.
/// more: added to the metadata.
void write_words(const std::string& path, const Words& words, const std::map<std::string, std::string>& more = {});

/// What write_words() wrote, or any file with one matrix of text embeddings made elsewhere: (C,K), or (K,C), told apart
/// by the number of channels; of a square one the columns are taken. Columns are brought to length 1. Without the
/// program's own metadata the scale is 100, the limit of CLIP's, and the names are numbers. throws FileError if it does
/// not fit the channels, holds a vector of zeros or numbers that are not finite, or has other names than vectors.
Words read_words(const std::string& path, Index channels);
Words read_words(const Weights& file, Index channels);

/// What the vectors of words depend on beside the words: files, sentences, settings.
struct WordSource {
  std::string weights;                 // file or folder of the text encoder
  std::string tokenizer;               // file or folder of the vocabulary; empty: beside the weights
  std::vector<std::string> templates;  // sentences with {}, see prompt_templates()
  BackboneOptions options;             // of the encoder
};

/// The words' vectors, from the file of vectors that is kept beside the weights where they are there, else by the text
/// encoder; new ones are then kept there too, 1000 at most. That file is only a memory: it is made anew when weights,
/// vocabulary, templates or options are others, and a folder that cannot be written is no error. keeps: false neither
/// reads nor writes it. cut: as in encode_words(). encoded: receives how many were not there, if not null.
///   memory: that of the encoder, if it is needed. throws as open_text_encoder(), open_tokenizer(), encode_words().
Words encode_or_recall(const WordSource& source, const std::vector<std::string>& words, bool keeps,
                       std::vector<std::string>* cut, Index* encoded = nullptr);

/// Where that file stands.
std::string kept_words_path(const std::string& weights);

}  // namespace fu
