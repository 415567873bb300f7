// The chapters' Markdown: its marks, what stands below them, its links.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fu::book {

using Lines = std::vector<std::string>;

/// A line "<!-- kind first second -->": listing FILE NAME, output SECTION, measured SECTION. The fenced block that
/// follows is written by book_pages.
struct Mark {
  std::string kind, first, second;
};
/// Whether the line is such a mark. throws UsageError for a kind that is unknown or words that are missing.
bool read_mark(const std::string& line, Mark& mark);

/// The marks of a page, in order. throws as above.
std::vector<Mark> marks_of(const Lines& page);

/// Lines between the two lines "//! [name]" of a source text, without the indentation that all share. throws UsageError
/// unless the name stands there twice.
Lines listing_of(const Lines& source, const std::string& name);

/// What a chapter's program printed, by section: lines "== section" begin one.
std::map<std::string, Lines> sections_of(const std::string& printed);

/// Whether two outputs say the same: words are equal, and numbers with equally many decimals differ by at most one unit
/// of the last, because another processor may round another way.
bool same_output(const Lines& a, const Lines& b);

/// The page with the block below every mark replaced by blocks[i], one for each mark; where no block stands, one is
/// added. A null pointer keeps what is there. throws UsageError if a block is not closed.
Lines with_blocks(const Lines& page, const std::vector<const Lines*>& blocks);
/// The block below every mark of a page as it is; empty if there is none.
std::vector<Lines> blocks_of(const Lines& page);

/// Targets of links and pictures, outside of code.
std::vector<std::string> links_of(const Lines& page);
/// Anchors of the headings, as Git hosts and tools/book/links.lua make them.
std::vector<std::string> anchors_of(const Lines& page);

}  // namespace fu::book
