#include "tests/source_text.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

namespace fu::test {

SourceText::SourceText(const std::string& path, const std::string& name) : name_(name) {
  std::ifstream in(path);
  read({std::istreambuf_iterator<char>(in), {}});
}

SourceText SourceText::of(const std::string& text) {
  SourceText s;
  s.read(text);
  return s;
}

void SourceText::read(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines_.push_back(line);
  find_functions(code_of(text));
}

void SourceText::directive(const std::string& line) {
  const std::size_t word = line.find_first_not_of("# \t");
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return;
  const std::size_t begin = line.find_first_of("\"<", word), end = line.find_first_of("\">", begin + 1);
  if (begin != std::string::npos && end != std::string::npos)
    includes_.push_back(line.substr(begin + 1, end - begin - 1));
}

namespace {

/// The end of a quoted literal that begins at `at`: the position of its closing quote.
std::size_t closing_quote(const std::string& text, std::size_t at) {
  const char quote = text[at];
  for (++at; at < text.size() && text[at] != quote && text[at] != '\n'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at, text.size());
}

/// The end of a line, backslashes at its end carrying on to the next.
std::size_t directive_end(const std::string& text, std::size_t at) {
  while (at < text.size() && (text[at] != '\n' || text[at - 1] == '\\')) ++at;
  return at;
}

}  // namespace

std::string SourceText::code_of(const std::string& text) {
  std::string code;  // as many lines as the text
  std::size_t line = 1;
  const auto skip_to = [&](std::size_t from, std::size_t to) {
    const auto breaks = std::count(text.begin() + static_cast<std::ptrdiff_t>(from),
                                   text.begin() + static_cast<std::ptrdiff_t>(to), '\n');
    code.append(static_cast<std::size_t>(breaks), '\n');
    line += static_cast<std::size_t>(breaks);
    return to;
  };
  bool line_start = true;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (text.compare(at, 2, "//") == 0) {
      at = skip_to(at, std::min(text.find('\n', at), text.size()));
    } else if (text.compare(at, 2, "/*") == 0) {
      at = skip_to(at, std::min(text.find("*/", at), text.size() - 2) + 2);
    } else if (c == '#' && line_start) {
      const std::size_t end = directive_end(text, at);
      directive(text.substr(at, end - at));
      at = skip_to(at, end);
    } else if (c == 'R' && text.compare(at, 2, "R\"") == 0) {
      const std::size_t open = text.find('(', at);
      const std::string close = ")" + text.substr(at + 2, open - at - 2) + "\"";
      const std::size_t end = std::min(text.find(close, open), text.size() - close.size());
      literals_.push_back({line, text.substr(open + 1, end - open - 1)});
      code += "\"\"";
      at = skip_to(at, end + close.size());
    } else if (c == '"' || (c == '\'' && (at == 0 || !std::isalnum(static_cast<unsigned char>(text[at - 1]))))) {
      const std::size_t end = closing_quote(text, at);
      if (c == '"') literals_.push_back({line, text.substr(at + 1, end - at - 1)});
      code += c, code += c;
      at = end + 1;
    } else {
      if (c == '\n') ++line;
      if (c == '\n' || !std::isspace(static_cast<unsigned char>(c))) line_start = c == '\n';
      code += c;
      ++at;
    }
  }
  return code;
}

namespace {

enum class Block { scope, function, other };

/// What a brace opens, by the text in front of it: a namespace or class, a function, or something else.
Block block_of(const std::string& head) {
  const auto has_word = [&](const std::string& word) {
    for (std::size_t at = head.find(word); at != std::string::npos; at = head.find(word, at + 1)) {
      const auto is_name = [&](std::size_t i) {
        return i < head.size() && (std::isalnum(static_cast<unsigned char>(head[i])) || head[i] == '_');
      };
      if ((at == 0 || !is_name(at - 1)) && !is_name(at + word.size())) return true;
    }
    return false;
  };
  const auto opened = std::count(head.begin(), head.end(), '('), closed = std::count(head.begin(), head.end(), ')');
  if (has_word("namespace") || (has_word("extern") && opened == 0)) return Block::scope;
  if (opened == 0 && (has_word("class") || has_word("struct") || has_word("union"))) return Block::scope;
  if (opened == 0 || opened != closed) return Block::other;
  // A function's default arguments stand in parentheses; any other "=" makes it a variable.
  int depth = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    depth += head[i] == '(' ? 1 : head[i] == ')' ? -1 : 0;
    if (head[i] == '=' && depth == 0 && !has_word("operator")) return Block::other;
  }
  return Block::function;
}

std::string trimmed(const std::string& text) {
  std::string out;
  for (char c : text)
    if (!std::isspace(static_cast<unsigned char>(c)))
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

void SourceText::find_functions(const std::string& code) {
  std::vector<Block> open;
  std::size_t line = 1, begin = 0, function_line = 0;
  std::string head, function_head;
  for (std::size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    if (c == '\n') ++line;
    // Inside of a function, or of a table, only the braces count.
    const bool outside = std::all_of(open.begin(), open.end(), [](Block b) { return b == Block::scope; });
    if (c == '{') {
      if (outside) head = code.substr(begin, at - begin);
      // "x_{1}", without a space, is a value in a constructor's list.
      const bool value = at > 0 && (std::isalnum(static_cast<unsigned char>(code[at - 1])) || code[at - 1] == '_');
      open.push_back(outside && !value ? block_of(head) : Block::other);
      if (open.back() == Block::function) function_line = line, function_head = trimmed(head);
    } else if (c == '}' && !open.empty()) {
      if (open.back() == Block::function) functions_.push_back({function_line, line - function_line, function_head});
      open.pop_back();
    }
    if (outside && (c == ';' || c == '{' || c == '}')) begin = at + 1;
    if (!outside && c == '}') begin = at + 1;
    if (outside && c == ':' &&
        (code.compare(at < 6 ? 0 : at - 6, 6, "public") == 0 || code.compare(at < 7 ? 0 : at - 7, 7, "private") == 0))
      begin = at + 1;
  }
}

}  // namespace fu::test
