// What the programs of the chapters share: sections, figures, times.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace fu::book {

/// A part of a chapter's program. What it prints stands in the chapter below a mark with its name.
struct Section {
  const char* name;
  std::function<void()> run;
};

/// main() of a chapter's program: `book_N FOLDER [SECTION...]` runs these sections, or all of them. Each prints
/// "== name", then its lines; figures go to FOLDER. Returns what main() returns: 1 after an exception, 2 for an unknown
/// section or no folder.
int run_sections(int argc, char** argv, const std::vector<Section>& sections);

/// Path of a figure in FOLDER. name: begins with the chapter's number ("3-steps.svg"). book_pages turns Graphviz texts
/// (".dot") into SVG under the same name.
std::string figure(const std::string& name);
/// Writes a text as a figure. throws FileError.
void write_figure(const std::string& name, const std::string& text);

/// Seconds of the fastest of several runs of f: at least three, for at least `seconds` in all.
double best_seconds(const std::function<void()>& f, double seconds = 0.2);

}  // namespace fu::book
