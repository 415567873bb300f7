// From words to the matrix that turns features into scores.
#pragma once

#include <string>
#include <vector>

#include "featup/text/text_encoder.h"
#include "featup/text/tokenizer.h"

namespace fu {

/// Sentences with {} where a word is put in. "one": `a photo of a {}.`; "seven": the short set of CLIP's authors;
/// "all": their 80 for ImageNet, and the five that MaskCLIP adds. throws UsageError for another name.
/// source: arXiv 2103.00020, 2112.01071
std::vector<std::string> prompt_templates(const std::string& name);

/// The matrix (C,K) of K words: of every word, the vectors of all templates are normalised, averaged, and normalised
/// again. cut, if not null, receives the words of which a sentence was longer than the encoder takes. throws UsageError
/// for no words, no templates, or a template without {}.
Tensor encode_words(const TextEncoder& encoder, const Tokenizer& tokenizer, const std::vector<std::string>& words,
                    const std::vector<std::string>& templates, std::vector<std::string>* cut = nullptr);

/// Parts of a text between separators, without blanks around them; empty ones are left out. "cat, sofa , anything else"
/// at commas gives three words.
/// @code
/// assert(split_words("cat, sofa , anything else") == std::vector<std::string>({"cat", "sofa", "anything else"}));
/// assert(prompt_templates("one").front() == "a photo of a {}.");
/// @endcode
std::vector<std::string> split_words(const std::string& text, char separator = ',');

}  // namespace fu
