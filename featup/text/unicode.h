// Unicode for tokenizers: UTF-8, classes of characters, lower case, composition. Text inside the tokenizers is UTF-32,
// so that one element is one character. The tables are of the version that unicode_tables.def states.
#pragma once

#include <string>
#include <string_view>

namespace fu {

/// What stands for bytes that are no UTF-8.
constexpr char32_t kReplacementCharacter = 0xfffd;

/// Every longest start of a broken sequence becomes one U+FFFD, as the Unicode standard (3.9) recommends and Python's
/// decode(errors="replace") does. Never throws: text comes from captions and file names, and one broken byte in it must
/// not stop the work.
std::u32string decode_utf8(std::string_view text);
void append_utf8(char32_t c, std::string& out);
std::string encode_utf8(std::u32string_view text);

bool is_letter(char32_t c);  // \p{L}
bool is_number(char32_t c);  // \p{N}
bool is_space(char32_t c);   // \s: the property White_Space

/// Lower case of each character; U+0130 becomes two. final_sigma: a sigma at the end of a word becomes the final one,
/// as in Python's str.lower(); Hugging Face's Lowercase does not do that.
std::u32string lower_case(std::u32string_view text, bool final_sigma);

/// Normalization form C: a letter and its combining marks become one character where there is one.
/// cost: linear, but for a sort of each run of combining marks.   source: Unicode standard annex 15
std::u32string compose(std::u32string text);

/// "14.0.0"
const char* unicode_version();

}  // namespace fu
