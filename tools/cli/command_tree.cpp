#include "tools/cli/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>

namespace fu {

namespace {

std::vector<const CLI::App*> children_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void collect(const CLI::App& app, const std::string& name, std::vector<NamedCommand>& out) {
  const auto children = children_of(app);
  for (const CLI::App* child : children) collect(*child, name + (name.empty() ? "" : " ") + child->get_name(), out);
  if (children.empty()) out.push_back({name, &app});
}

/// Letters to insert, remove or replace. source: Levenshtein (1966)
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1])});
      corner = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<NamedCommand> all_commands(const CLI::App& app) {
  std::vector<NamedCommand> commands;
  collect(app, "", commands);
  return commands;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* child : children_of(app)) names.push_back(child->get_name());
  return names;
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  for (const CLI::App* child : children_of(app))
    if (child->get_name() == name) return child;
  return nullptr;
}

std::vector<std::string> long_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string suggestion(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word.resize(std::min(word.size(), word.find('=')));
    if (const CLI::App* next = command_named(*at, word)) {
      at = next;
      continue;
    }
    const std::vector<std::string> commands = command_names(*at);
    const bool option = word.rfind("--", 0) == 0;
    if (!option && (commands.empty() || word.rfind('-', 0) == 0)) continue;  // a file, or a short option
    const std::vector<std::string> known = option ? long_options(*at) : commands;
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    const auto near = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
      return distance(word, a) < distance(word, b);
    });
#ifndef FU_HAVE_SERVE
    if (word == "serve")
      return "; this program was built without serve, which wants libmicrohttpd (Debian package libmicrohttpd-dev)";
#endif
    if (near == known.end() || distance(word, *near) > std::max<std::size_t>(1, near->size() / 3)) return "";
    return "; did you mean '" + *near + "'?";
  }
  return "";
}

}  // namespace fu
