// How text is cleaned where the tokenizer's file does not say it.
#pragma once

#include <string>
#include <string_view>

namespace fu {

/// White space at both ends is removed, and becomes one space inside.
std::u32string collapse_space(std::u32string_view text);

/// &NUMBER; &#xHEX; and the names amp, lt, gt, quot, nbsp (also in capitals but nbsp) and apos. The semicolon may be
/// missing where no letter or digit follows, but for apos. Other names stay as they are. Numbers mean what browsers and
/// Python's html.unescape make of them: 128 to 159 are those of Windows-1252, what is no character becomes U+FFFD, and
/// control characters vanish.
std::u32string unescape_html(std::u32string_view text);

/// As OpenAI's code for CLIP: ftfy.fix_text, html.unescape twice, white space collapsed, lower case with Python's rule
/// of the final sigma. Of ftfy: composition (NFC), curly quotes become straight, control characters vanish; it does not
/// mend text of a wrong encoding, and leaves ligatures and full-width letters as they are.
std::u32string clean_for_clip(std::u32string_view text);

/// As SigLIP's: lower case, without the punctuation of ASCII, white space collapsed.
std::u32string clean_for_siglip(std::u32string_view text);

}  // namespace fu
