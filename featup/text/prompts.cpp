#include "featup/text/prompts.h"

#include <iterator>

namespace fu {

namespace {

const char* const kAll[] = {
    "a bad photo of a {}.",
    "a photo of many {}.",
    "a sculpture of a {}.",
    "a photo of the hard to see {}.",
    "a low resolution photo of the {}.",
    "a rendering of a {}.",
    "graffiti of a {}.",
    "a bad photo of the {}.",
    "a cropped photo of the {}.",
    "a tattoo of a {}.",
    "the embroidered {}.",
    "a photo of a hard to see {}.",
    "a bright photo of a {}.",
    "a photo of a clean {}.",
    "a photo of a dirty {}.",
    "a dark photo of the {}.",
    "a drawing of a {}.",
    "a photo of my {}.",
    "the plastic {}.",
    "a photo of the cool {}.",
    "a close-up photo of a {}.",
    "a black and white photo of the {}.",
    "a painting of the {}.",
    "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.",
    "a bright photo of the {}.",
    "a cropped photo of a {}.",
    "a plastic {}.",
    "a photo of the dirty {}.",
    "a jpeg corrupted photo of a {}.",
    "a blurry photo of the {}.",
    "a photo of the {}.",
    "a good photo of the {}.",
    "a rendering of the {}.",
    "a {} in a video game.",
    "a photo of one {}.",
    "a doodle of a {}.",
    "a close-up photo of the {}.",
    "a photo of a {}.",
    "the origami {}.",
    "the {} in a video game.",
    "a sketch of a {}.",
    "a doodle of the {}.",
    "a origami {}.",
    "a low resolution photo of a {}.",
    "the toy {}.",
    "a rendition of the {}.",
    "a photo of the clean {}.",
    "a photo of a large {}.",
    "a rendition of a {}.",
    "a photo of a nice {}.",
    "a photo of a weird {}.",
    "a blurry photo of a {}.",
    "a cartoon {}.",
    "art of a {}.",
    "a sketch of the {}.",
    "a embroidered {}.",
    "a pixelated photo of a {}.",
    "itap of the {}.",
    "a jpeg corrupted photo of the {}.",
    "a good photo of a {}.",
    "a plushie {}.",
    "a photo of the nice {}.",
    "a photo of the small {}.",
    "a photo of the weird {}.",
    "the cartoon {}.",
    "art of the {}.",
    "a drawing of the {}.",
    "a photo of the large {}.",
    "a black and white photo of a {}.",
    "the plushie {}.",
    "a dark photo of a {}.",
    "itap of a {}.",
    "graffiti of the {}.",
    "a toy {}.",
    "itap of my {}.",
    "a photo of a cool {}.",
    "a photo of a small {}.",
    "a tattoo of the {}.",
    "there is a {} in the scene.",
    "there is the {} in the scene.",
    "this is a {} in the scene.",
    "this is the {} in the scene.",
    "this is one {} in the scene.",
};
const char* const kSeven[] = {
    "itap of a {}.",         "a bad photo of the {}.", "a origami {}.",           "a photo of the large {}.",
    "a {} in a video game.", "art of the {}.",         "a photo of the small {}."};

std::string filled_in(const std::string& sentence, const std::string& word) {
  const std::size_t at = sentence.find("{}");
  require<UsageError>(at != std::string::npos, "[text] template '", sentence, "': has no {} for the word.");
  return sentence.substr(0, at) + word + sentence.substr(at + 2);
}

/// Tokens of a sentence, filled up where the encoder wants it.
std::vector<Index> tokens_of(const TextEncoder& encoder, const Tokenizer& tokenizer, const std::string& sentence,
                             bool& cut) {
  bool too_long = false;
  std::vector<Index> ids = tokenizer.ids(sentence, encoder.length(), &too_long);
  cut = cut || too_long;
  if (encoder.wants_padding()) {
    require<UsageError>(tokenizer.padding() >= 0, "[text] ", tokenizer.describe(), " is not of the kind that the ",
                        encoder.describe(), " was trained with: it has no padding.");
    ids.resize(usize(encoder.length()), tokenizer.padding());
  }
  return ids;
}

}  // namespace

std::vector<std::string> prompt_templates(const std::string& name) {
  if (name == "one") return {"a photo of a {}."};
  if (name == "seven") return {std::begin(kSeven), std::end(kSeven)};
  require<UsageError>(name == "all", "[text] templates '", name, "': choices are one, seven, all.");
  return {std::begin(kAll), std::end(kAll)};
}

Tensor encode_words(const TextEncoder& encoder, const Tokenizer& tokenizer, const std::vector<std::string>& words,
                    const std::vector<std::string>& templates, std::vector<std::string>* cut) {
  require<UsageError>(!words.empty() && !templates.empty(), "[text] ", words.size(), " words and ", templates.size(),
                      " templates: give at least one of each.");
  require<UsageError>(tokenizer.pieces() <= encoder.vocabulary(), "[text] ", tokenizer.describe(),
                      ", is of another model: the ", encoder.describe(), ", knows ", encoder.vocabulary(), " pieces.");
  const Index channels = encoder.channels(), k = static_cast<Index>(words.size());
  Tensor matrix({channels, k});
  for (Index w = 0; w < k; ++w) {
    TokenIds ids;
    bool too_long = false;
    for (const std::string& sentence : templates)
      ids.push_back(tokens_of(encoder, tokenizer, filled_in(sentence, words[usize(w)]), too_long));
    if (too_long && cut) cut->push_back(words[usize(w)]);
    const Tensor vectors = normalized_rows(encoder.features(ids));
    const Tensor one = normalized_rows(mean(vectors, 0).reshape({1, channels}));
    for (Index c = 0; c < channels; ++c) matrix.data()[c * k + w] = one.data()[c];
  }
  return matrix;
}

std::vector<std::string> split_words(const std::string& text, char separator) {
  const char* const blanks = " \t\r\n";
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const std::size_t first = part.find_first_not_of(blanks), last = part.find_last_not_of(blanks);
    if (first != std::string::npos) words.push_back(part.substr(first, last - first + 1));
    begin = end + 1;
  }
  return words;
}

}  // namespace fu
