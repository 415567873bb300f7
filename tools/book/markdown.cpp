#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "core/error.h"
#include "tools/book/pages.h"

namespace fu::book {

namespace {

bool starts(const std::string& line, const char* with) { return line.rfind(with, 0) == 0; }

std::string trimmed(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t\r"), end = line.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
}

bool is_number(const std::string& word, std::size_t& decimals) {
  if (word.empty() || !std::strchr("+-.0123456789", word[0])) return false;
  char* end = nullptr;
  std::strtod(word.c_str(), &end);
  const std::size_t point = word.find('.');
  decimals = point == std::string::npos ? 0 : word.size() - point - 1;
  return *end == 0 && end != word.c_str() && word.find_first_of("eExX") == std::string::npos;
}

/// A line as words and numbers: "(0.25, 3)" is "(", "0.25", ",", "3", ")".
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  const auto inside = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_'; };
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = at + 1;
    const bool sign = line[at] == '-' && end < line.size() && std::isdigit(static_cast<unsigned char>(line[end])) &&
                      (at == 0 || !inside(line[at - 1]));
    if (inside(line[at]) || sign)
      while (end < line.size() && inside(line[end])) ++end;
    if (line[at] != ' ') words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

bool same_line(const std::string& a, const std::string& b) {
  const std::vector<std::string> x = words_of(a), y = words_of(b);
  if (x.size() != y.size()) return false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i]) continue;
    std::size_t p = 0, q = 0;
    if (!is_number(x[i], p) || !is_number(y[i], q) || p != q || p == 0) return false;
    const double unit = std::pow(10.0, -static_cast<double>(p));
    if (std::abs(std::strtod(x[i].c_str(), nullptr) - std::strtod(y[i].c_str(), nullptr)) > 1.01 * unit) return false;
  }
  return true;
}

/// Position of the line after the block that begins at `at`, or `at` if none does.
std::size_t block_end(const Lines& page, std::size_t at) {
  if (at >= page.size() || !starts(page[at], "```")) return at;
  for (std::size_t i = at + 1; i < page.size(); ++i)
    if (page[i] == "```") return i + 1;
  throw UsageError("line " + std::to_string(at + 1) + ": a block begins with ``` and is not closed.");
}

/// Every mark with the lines [begin, end) of its block.
struct Place {
  std::size_t line, begin, end;
  Mark mark;
};
std::vector<Place> places_of(const Lines& page) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < page.size();) {
    Place p{i, i + 1, i + 1, {}};
    if (read_mark(page[i], p.mark)) {
      p.end = block_end(page, p.begin);
      places.push_back(p);
      i = p.end;
    } else {
      i = std::max(i + 1, block_end(page, i));
    }
  }
  return places;
}

}  // namespace

bool read_mark(const std::string& line, Mark& mark) {
  if (!starts(line, "<!-- ") || line.size() < 4 || line.compare(line.size() - 3, 3, "-->") != 0) return false;
  std::istringstream in(line.substr(5, line.size() - 8));
  mark = {};
  in >> mark.kind >> mark.first >> mark.second;
  const bool listing = mark.kind == "listing", printed = mark.kind == "output" || mark.kind == "measured";
  require<UsageError>((listing && !mark.second.empty()) || (printed && !mark.first.empty() && mark.second.empty()), "'",
                      line,
                      "' is no mark: it must be 'listing FILE NAME', 'output SECTION' or 'measured SECTION' in <!-- "
                      "-->.");
  return true;
}

std::vector<Mark> marks_of(const Lines& page) {
  std::vector<Mark> marks;
  for (const Place& p : places_of(page)) marks.push_back(p.mark);
  return marks;
}

Lines listing_of(const Lines& source, const std::string& name) {
  const std::string border = "//! [" + name + "]";
  std::vector<std::size_t> borders;
  for (std::size_t i = 0; i < source.size(); ++i)
    if (trimmed(source[i]) == border) borders.push_back(i);
  require<UsageError>(borders.size() == 2, "'", border, "' stands on ", borders.size(),
                      " lines; a listing has it on the line before and on the line after.");
  Lines listing;
  std::size_t indent = std::string::npos;
  for (std::size_t i = borders[0] + 1; i < borders[1]; ++i) {
    if (starts(trimmed(source[i]), "//! [")) continue;  // the border of a listing inside of this one
    listing.push_back(source[i]);
    indent = std::min(indent, source[i].find_first_not_of(' '));
  }
  for (std::string& line : listing) line.erase(0, std::min(indent, line.size()));
  return listing;
}

std::map<std::string, Lines> sections_of(const std::string& printed) {
  std::map<std::string, Lines> sections;
  Lines* section = nullptr;
  std::istringstream in(printed);
  for (std::string line; std::getline(in, line);)
    if (starts(line, "== "))
      section = &sections[line.substr(3)];
    else if (section)
      section->push_back(line);
  return sections;
}

bool same_output(const Lines& a, const Lines& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_line);
}

Lines with_blocks(const Lines& page, const std::vector<const Lines*>& blocks) {
  Lines out;
  std::size_t at = 0, i = 0;
  for (const Place& p : places_of(page)) {
    out.insert(out.end(), page.begin() + static_cast<std::ptrdiff_t>(at),
               page.begin() + static_cast<std::ptrdiff_t>(p.begin));
    if (const Lines* block = blocks.at(i++)) {
      out.push_back(p.mark.kind == "listing" ? "```cpp" : "```");
      out.insert(out.end(), block->begin(), block->end());
      out.push_back("```");
      at = p.end;
    } else {
      at = p.begin;
    }
  }
  out.insert(out.end(), page.begin() + static_cast<std::ptrdiff_t>(at), page.end());
  return out;
}

std::vector<Lines> blocks_of(const Lines& page) {
  std::vector<Lines> blocks;
  for (const Place& p : places_of(page)) {
    blocks.emplace_back();
    for (std::size_t i = p.begin + 1; i + 1 < p.end; ++i) blocks.back().push_back(page[i]);
  }
  return blocks;
}

std::vector<std::string> links_of(const Lines& page) {
  std::vector<std::string> links;
  for (std::size_t i = 0; i < page.size(); i = std::max(i + 1, block_end(page, i))) {
    if (starts(page[i], "```")) continue;
    bool code = false;
    const std::string& line = page[i];
    for (std::size_t at = 0; at + 1 < line.size(); ++at) {
      if (line[at] == '`') code = !code;
      const std::size_t end = line.find(')', at);
      if (!code && line.compare(at, 2, "](") == 0 && end != std::string::npos)
        links.push_back(line.substr(at + 2, end - at - 2));
    }
  }
  return links;
}

std::vector<std::string> anchors_of(const Lines& page) {
  std::vector<std::string> anchors;
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < page.size(); i = std::max(i + 1, block_end(page, i))) {
    const std::size_t level = page[i].find_first_not_of('#');
    if (level == 0 || level == std::string::npos || level > 6 || page[i][level] != ' ') continue;
    std::string anchor;
    for (char c : trimmed(page[i].substr(level)))
      if (c == ' ')
        anchor += '-';
      else if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_')
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const int before = seen[anchor]++;
    anchors.push_back(before == 0 ? anchor : anchor + "-" + std::to_string(before));
  }
  return anchors;
}

}  // namespace fu::book
