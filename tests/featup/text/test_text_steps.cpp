// What tokenizers do with text before they cut it: UTF-8, lower case, composition, entities, patterns, SentencePiece's
// table.
#include "featup/text/charsmap.h"
#include "featup/text/clean_text.h"
#include "featup/text/pattern.h"
#include "tests/featup/text/small_tokenizers.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("text: UTF-8 there and back, broken sequences become U+FFFD") {
  const std::string all = "a\xc3\xa9\xe2\x96\x81\xf0\x9f\x98\x80";
  CHECK(decode_utf8(all) == U"a\u00e9\u2581\U0001f600");
  CHECK(encode_utf8(decode_utf8(all)) == all);
  CHECK(decode_utf8(std::string("\0", 1)) == std::u32string(1, U'\0'));
  const std::pair<const char*, const char32_t*> broken[] = {
      {"\x80", U"\ufffd"},            // a continuation alone
      {"\xc3", U"\ufffd"},            // cut off
      {"\xe2\x96x", U"\ufffdx"},      // cut off inside: one mark for what belongs together
      {"\xc0\xaf", U"\ufffd\ufffd"},  // '/' in two bytes
      {"\xe0\x80\xaf", U"\ufffd\ufffd\ufffd"},
      {"\xed\xa0\x80", U"\ufffd\ufffd\ufffd"},            // a surrogate
      {"\xf4\x90\x80\x80", U"\ufffd\ufffd\ufffd\ufffd"},  // above U+10FFFF
      {"\xff\xfe", U"\ufffd\ufffd"},
  };
  for (const auto& [bytes, wanted] : broken) CHECK(decode_utf8(bytes) == wanted);
}

TEST_CASE("text: classes of characters") {
  for (const char32_t c : U"aZ\u00e9\u03a9\u4e00\uac00\u0e01") CHECK(is_letter(c) == (c != 0));
  for (const char32_t c : U"09\u00bd\u2177\u0663") CHECK(is_number(c) == (c != 0));
  for (const char32_t c : U"\t \u00a0\u2003\u3000") CHECK(is_space(c) == (c != 0));
  for (const char32_t c : U"!_\u0301\u20ac\U0001f600\ufffd\u200b")
    CHECK(!(is_letter(c) || is_number(c) || is_space(c)));
  CHECK(!is_letter(0x110000));
  CHECK(std::string(unicode_version()) >= "14");
}

TEST_CASE("text: lower case, with and without the final sigma") {
  CHECK(lower_case(U"ABC\u00c9\u0416\u1e9e\U00010400", true) == U"abc\u00e9\u0436\u00df\U00010428");
  CHECK(lower_case(U"\u0130", true) == U"i\u0307");
  CHECK(lower_case(U"\u0100\u0101\u0102", true) == U"\u0101\u0101\u0103");
  CHECK(lower_case(U"\u039f\u03a3", false) == U"\u03bf\u03c3");
  CHECK(lower_case(U"\u039f\u03a3", true) == U"\u03bf\u03c2");
  CHECK(lower_case(U"\u039f\u03a3\u039f \u03a3", true) == U"\u03bf\u03c3\u03bf \u03c3");
  CHECK(lower_case(U"\u039f\u03a3.\u039f", true) == U"\u03bf\u03c3.\u03bf");  // the point is passed over
  CHECK(lower_case(U"\u039f\u03a3.", true) == U"\u03bf\u03c2.");
}

TEST_CASE("text: composition") {
  CHECK(compose(U"e\u0301") == U"\u00e9");
  CHECK(compose(U"\u212b") == U"\u00c5");              // another name of a letter
  CHECK(compose(U"a\u0323\u0302") == U"\u1ead");       // two marks
  CHECK(compose(U"a\u0302\u0323") == U"\u1ead");       // in the other order
  CHECK(compose(U"\u1112\u1161\u11ab") == U"\ud55c");  // a Korean syllable
  CHECK(compose(U"\u0958") == U"\u0915\u093c");        // is left apart
  CHECK(compose(U"\u0301e") == U"\u0301e");
  std::u32string marks = U"a";
  for (int i = 0; i < 100000; ++i) marks += i % 2 ? U'\u0323' : U'\u0301';
  CHECK(compose(marks).size() == 100000);
}

TEST_CASE("text: entities of HTML") {
  CHECK(unescape_html(U"&lt;b&gt; &quot;&apos;&nbsp;&AMP;") == U"<b> \"'\u00a0&");
  CHECK(unescape_html(U"&amp;amp;") == U"&amp;");
  CHECK(unescape_html(U"&#65;&#x42;&#X43&#146;&#0;&#xD800;&#x110000;&#99999999999999999999;&#1;") ==
        U"ABC\u2019\ufffd\ufffd\ufffd\ufffd");
  CHECK(unescape_html(U"a &amp b &lt") == U"a & b <");
  for (const char32_t* same : {U"&", U"&#", U"&#x", U"&#;", U"&apos", U"&ampx", U"&eacute;", U"& lt;"})
    CHECK(unescape_html(same) == same);
  CHECK(clean_for_clip(U" \u201cA\u201d\t\u0007 &amp;lt; ") == U"\"a\" <");
  CHECK(clean_for_siglip(U"  It's  A-OK!\n") == U"its aok");
}

TEST_CASE("text: patterns match as their alternatives stand, and cut text in four ways") {
  const Pattern words("'s|[\\p{L}]+|\\p{N}|[^\\s\\p{L}\\p{N}]+", "f");
  CHECK(split({U"it's 42 ok!!"}, words, SplitBehavior::removed, true) ==
        Pieces{U"it", U"'s", U"4", U"2", U"ok", U"!!"});
  CHECK(Pattern(" {2,}", "f").replace(U"a b  c   d", U"_") == U"a b_c_d");
  CHECK(Pattern("[a-c\\-\\]]|x", "f").replace(U"-]abcdx", U"") == U"d");
  const Pattern dash = Pattern::literal(U"-");
  const Pieces text = {U"-a--b-"};
  CHECK(split(text, dash, SplitBehavior::removed, false) == Pieces{U"a", U"b"});
  CHECK(split(text, dash, SplitBehavior::isolated, false) == Pieces{U"-", U"a", U"-", U"-", U"b", U"-"});
  CHECK(split(text, dash, SplitBehavior::merged_with_previous, false) == Pieces{U"-", U"a-", U"-", U"b-"});
  CHECK(split(text, dash, SplitBehavior::merged_with_next, false) == Pieces{U"-a", U"-", U"-b", U"-"});
  for (const char* not_known :
       {"",    "a|", "|a", "(a)",    "a*",    "a?",    "^a",    "a$",     ".",  "a+b",     "a++", "a+?", "\\d",
        "\\b", "[a", "[]", "[a&&b]", "[[a]]", "[z-a]", "a{0,}", "a{2,3}", "\\", "\\p{Lu}", "a{",  "[a\\"}) {
    CAPTURE(not_known);
    CHECK(contains(message_of([&] { Pattern(not_known, "f.json"); }), "f.json: the regular expression '"));
  }
}

namespace {

/// SentencePiece's table with the single sequence of two bytes that U+00BD has: "\xc2\xbd" -> "1/2". A unit's children
/// are at (its place ^ its offset) ^ their byte.
std::string small_charsmap() {
  std::vector<std::uint32_t> units(1024);
  const auto offset = [](std::uint32_t n) { return n << 10; };
  units[0] = offset(256);                                 // children from 256
  units[256 ^ 0xc2] = offset((256 ^ 0xc2) ^ 512) | 0xc2;  // from 512
  units[512 ^ 0xbd] = offset((512 ^ 0xbd) ^ 768) | 1u << 8 | 0xbd;
  units[768] = 0x80000000u | 2;  // begins at 2
  std::string bytes = little_endian(units.size() * 4, 4);
  for (const std::uint32_t unit : units) bytes += little_endian(unit, 4);
  return bytes + std::string(
                     "x\0"
                     "1/2\0",
                     6);
}

std::string base64(const std::string& bytes) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (count += 8; count >= 6; count -= 6) out += digits[bits >> (count - 6) & 63];
  }
  if (count) out += digits[bits << (6 - count) & 63];
  while (out.size() % 4) out += '=';
  return out;
}

}  // namespace

TEST_CASE("text: SentencePiece's precompiled table") {
  const std::string table = small_charsmap();
  const TextStep step = precompiled_normalizer(base64(table), "f");
  CHECK(step(U"a\u00bd\u00be\u00bd") == U"a1/2\u00be1/2");
  CHECK(step(std::u32string(1, U'\0')) == std::u32string(1, U'\0'));
  for (const std::string& damaged : {std::string("!"), std::string(), base64(table.substr(0, 900)), base64("abc"),
                                     base64(table + "x"), base64(little_endian(0, 4) + '\0')})
    CHECK(contains(message_of([&] { precompiled_normalizer(damaged, "f"); }), "f is "));
  // Units that lead anywhere are found when they are met.
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    std::string changed = table;
    for (int k = 0; k < 40; ++k) changed[4 + usize(random.below(4090))] = static_cast<char>(random.below(256));
    const std::string message =
        message_of([&] { precompiled_normalizer(base64(changed), "f")(U"a\u00bd\u00be\u00e9"); });
    if (!message.empty()) CHECK(contains(message, "f is damaged: "));
  }
}
