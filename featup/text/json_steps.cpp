#include "featup/text/json_steps.h"

#include "core/files/bytes.h"
#include "featup/text/charsmap.h"
#include "featup/text/unicode.h"

namespace fu {

namespace {

/// A longer replacement has no use, and would let a file fill the memory.
constexpr std::size_t kLongestText = 16;

std::u32string short_text(const JsonNode& node) {
  std::u32string text = decode_utf8(node.text());
  if (text.size() > kLongestText) throw node.bad("has more than " + std::to_string(kLongestText) + " characters.");
  return text;
}

FileError unknown(const JsonNode& node, const std::string& known) {
  return node.find("type").bad("is " + printable(node.find("type").text()) + ", which is not supported; known are " +
                               known + ".");
}

Pattern read_pattern(const JsonNode& node) {
  const JsonNode text = node.find("String"), expression = node.find("Regex");
  if (expression.is_there()) return Pattern(expression.text(), node.path());
  if (text.text().empty()) throw text.unexpected("a text that is not empty");
  return Pattern::literal(decode_utf8(text.text()));
}

std::u32string strip(const std::u32string& text, bool left, bool right) {
  std::size_t begin = 0, end = text.size();
  while (left && begin < end && is_space(text[begin])) ++begin;
  while (right && end > begin && is_space(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

SplitBehavior read_behavior(const JsonNode& node) {
  const std::string name = node.text();
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  throw node.bad("is " + printable(name) +
                 ", which is not supported; known are Removed, Isolated, MergedWithPrevious, MergedWithNext.");
}

/// Spaces become a visible mark, words begin with it.
SplitStep read_metaspace(const JsonNode& node) {
  const std::u32string mark = decode_utf8(node.find("replacement").text());
  if (mark.size() != 1) throw node.find("replacement").unexpected("one character");
  const std::string scheme =
      node.find("prepend_scheme").text(node.find("add_prefix_space").flag(true) ? "always" : "never");
  if (scheme != "always" && scheme != "never")
    throw node.find("prepend_scheme")
        .bad("is " + printable(scheme) + ", which is not supported; known are always, never.");
  const bool prepend = scheme == "always", cut = node.find("split").flag(true);
  return [mark, prepend, cut](Pieces pieces) {
    for (std::u32string& piece : pieces) {
      for (char32_t& c : piece)
        if (c == ' ') c = mark[0];
      if (prepend && piece[0] != mark[0]) piece.insert(0, mark);
    }
    return cut ? split(pieces, Pattern::literal(mark), SplitBehavior::merged_with_next, false) : pieces;
  };
}

/// [text, number]
Index read_named_number(const JsonNode& node) { return read_token_number(node[1]); }

void read_template(const JsonNode& node, std::vector<Index>& start, std::vector<Index>& end) {
  const JsonNode single = node.find("single");
  bool behind = false;
  for (std::size_t i = 0; i < single.size(); ++i) {
    const JsonNode token = single[i].find("SpecialToken");
    if (!token.is_there()) {
      if (behind) throw single[i].bad("repeats the text.");
      if (!single[i].find("Sequence").is_there()) throw single[i].unexpected("SpecialToken or Sequence");
      behind = true;
      continue;
    }
    const std::string name = token.find("id").text();
    const JsonNode ids = node.find("special_tokens").find(name.c_str()).find("ids");
    for (std::size_t k = 0; k < ids.size(); ++k) (behind ? end : start).push_back(read_token_number(ids[k]));
  }
  if (!behind) throw single.bad("leaves the text out.");
}

}  // namespace

Index read_token_number(const JsonNode& node) {
  const Index number = node.integer();
  if (number < 0 || number >= (Index{1} << 20)) throw node.unexpected("a number from 0 to 1048575");
  return number;
}

void read_normalizer(const JsonNode& node, std::vector<TextStep>& steps) {
  if (!node.is_there()) return;
  const std::string type = node.find("type").text();
  if (type == "Sequence") {
    const JsonNode list = node.find("normalizers");
    for (std::size_t i = 0; i < list.size(); ++i) read_normalizer(list[i], steps);
  } else if (type == "Lowercase") {
    steps.emplace_back([](const std::u32string& text) { return lower_case(text, false); });
  } else if (type == "NFC") {
    steps.emplace_back(compose);
  } else if (type == "Replace") {
    steps.emplace_back([pattern = read_pattern(node.find("pattern")), by = short_text(node.find("content"))](
                           const std::u32string& text) { return pattern.replace(text, by); });
  } else if (type == "Prepend") {
    steps.emplace_back([before = short_text(node.find("prepend"))](const std::u32string& text) {
      return text.empty() ? text : before + text;
    });
  } else if (type == "Strip") {
    const bool left = node.find("strip_left").flag(true), right = node.find("strip_right").flag(true);
    steps.emplace_back([left, right](const std::u32string& text) { return strip(text, left, right); });
  } else if (type == "Precompiled") {
    const JsonNode map = node.find("precompiled_charsmap");
    steps.push_back(precompiled_normalizer(map.text(), map.title()));
  } else {
    throw unknown(node, "Sequence, Lowercase, NFC, Replace, Prepend, Strip, Precompiled");
  }
}

void read_pre_tokenizer(const JsonNode& node, std::vector<SplitStep>& steps, bool& bytes) {
  if (!node.is_there()) return;
  const std::string type = node.find("type").text();
  // Behind ByteLevel, pieces would be cut at characters that stand for bytes.
  if (bytes) throw node.bad("stands behind ByteLevel, which is not supported.");
  if (type == "Sequence") {
    const JsonNode list = node.find("pretokenizers");
    for (std::size_t i = 0; i < list.size(); ++i) read_pre_tokenizer(list[i], steps, bytes);
  } else if (type == "Split") {
    const SplitBehavior behavior = read_behavior(node.find("behavior"));
    const bool invert = node.find("invert").flag(false);
    steps.emplace_back([pattern = read_pattern(node.find("pattern")), behavior, invert](const Pieces& pieces) {
      return split(pieces, pattern, behavior, invert);
    });
  } else if (type == "Metaspace") {
    steps.push_back(read_metaspace(node));
  } else if (type == "WhitespaceSplit") {
    steps.emplace_back([space = Pattern("\\s", node.path())](const Pieces& pieces) {
      return split(pieces, space, SplitBehavior::removed, false);
    });
  } else if (type == "ByteLevel") {
    if (node.find("add_prefix_space").flag(true)) throw node.find("add_prefix_space").unexpected("false");
    // It cuts by GPT-2's pattern. What CLIP's pattern cut before, that one leaves as it is.
    if (node.find("use_regex").flag(true) && steps.empty()) throw node.find("use_regex").unexpected("false");
    bytes = true;
  } else {
    throw unknown(node, "Sequence, Split, Metaspace, WhitespaceSplit, ByteLevel");
  }
}

void read_post_processor(const JsonNode& node, std::vector<Index>& start, std::vector<Index>& end) {
  if (!node.is_there()) return;
  const std::string type = node.find("type").text();
  if (type == "Sequence") {
    const JsonNode list = node.find("processors");
    for (std::size_t i = 0; i < list.size(); ++i) read_post_processor(list[i], start, end);
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    start.insert(start.begin(), read_named_number(node.find("cls")));
    end.push_back(read_named_number(node.find("sep")));
  } else if (type == "TemplateProcessing") {
    read_template(node, start, end);
  } else if (type != "ByteLevel") {  // that one only corrects places in the text, which nobody asks for
    throw unknown(node, "Sequence, RobertaProcessing, BertProcessing, TemplateProcessing, ByteLevel");
  }
}

}  // namespace fu
