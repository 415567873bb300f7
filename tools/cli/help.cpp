#include "tools/cli/help.h"

#include <algorithm>
#include <numeric>

namespace fu {

namespace {

std::string roff(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] == '.' || text[i] == '\'') && (i == 0 || text[i - 1] == '\n')) out += "\\&";
    out += text[i] == '-' ? "\\-" : text[i] == '\\' ? "\\e" : std::string(1, text[i]);
  }
  return out;
}

/// Every subcommand that does something, with its full name.
void leaves(const CLI::App& app, const std::string& name, std::vector<std::pair<std::string, const CLI::App*>>& out) {
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) leaves(*child, name + (name.empty() ? "" : " ") + child->get_name(), out);
  if (children.empty()) out.emplace_back(name, &app);
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(child->get_name());
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
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

std::string man_page(const CLI::App& app, const std::string& version) {
  std::vector<std::pair<std::string, const CLI::App*>> commands;
  leaves(app, "", commands);
  std::string text = ".TH FEATUP 1 \"\" \"featup " + version + "\" \"User Commands\"\n.SH NAME\nfeatup \\- " +
                     roff(app.get_description()) + "\n.SH SYNOPSIS\n.B featup\n.I COMMAND\n[options]\n.SH COMMANDS\n";
  for (const auto& [name, command] : commands) {
    text += ".SS featup " + roff(name) + "\n" + roff(command->get_description()) + "\n";
    for (const CLI::Option* option : command->get_options()) {
      text += ".TP\n.B " + roff(option->get_name(true)) + "\n" + roff(option->get_description());
      if (!option->get_default_str().empty()) text += " (default: " + roff(option->get_default_str()) + ")";
      text += "\n";
    }
    if (!command->get_footer().empty()) text += ".PP\n.nf\n" + roff(command->get_footer()) + "\n.fi\n";
  }
  return text + ".SH EXIT STATUS\n0 done, 1 could not, 2 wrong usage.\n";
}

std::string shell_completion(const CLI::App& app, const std::string& shell) {
  std::vector<std::pair<std::string, const CLI::App*>> commands;
  leaves(app, "", commands);
  std::string text = "# Completion of featup: source this file, or " +
                     std::string(shell == "zsh" ? "put: source <(featup completion zsh) into ~/.zshrc\nautoload -U +X "
                                                  "compinit bashcompinit && compinit && bashcompinit\n"
                                                : "put: source <(featup completion bash) into ~/.bashrc\n");
  text +=
      "_featup() {\n  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} "
      "command=\"${COMP_WORDS[1]}\" words=\"\"\n"
      "  [ \"$command\" = eval ] && command=\"eval ${COMP_WORDS[2]}\"\n  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then words=\"" +
      joined(names_of(app)) + "\"\n";
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!names_of(*child).empty())
      text += "  elif [ \"$COMP_CWORD\" = 2 ] && [ \"$last\" = " + child->get_name() + " ]; then words=\"" +
              joined(names_of(*child)) + "\"\n";
  text += "  else\n    case \"$command $last\" in\n";
  for (const auto& [name, command] : commands)
    for (const CLI::Option* option : command->get_options()) {
      // "{a,b}" is how a set of choices names itself.
      const std::string type = option->get_type_name();
      const std::size_t open = type.find('{'), close = type.find('}');
      if (open == std::string::npos || close == std::string::npos || option->get_lnames().empty()) continue;
      std::string choices = type.substr(open + 1, close - open - 1);
      std::replace(choices.begin(), choices.end(), ',', ' ');
      text += "      \"" + name + " --" + option->get_lnames().front() + "\") words=\"" + choices + "\" ;;\n";
    }
  text += "    esac\n    if [ -z \"$words\" ] && [[ $word == -* ]]; then\n      case \"$command\" in\n";
  for (const auto& [name, command] : commands)
    text += "        \"" + name + "\") words=\"" + joined(options_of(*command)) + "\" ;;\n";
  return text +
         "      esac\n    fi\n  fi\n  if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  else COMPREPLY=($(compgen -f -- \"$word\")); fi\n}\ncomplete -o filenames -F _featup featup\n";
}

std::string meant(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word.resize(std::min(word.size(), word.find('=')));
    const std::vector<std::string> commands = names_of(*at);
    if (std::find(commands.begin(), commands.end(), word) != commands.end()) {
      at = at->get_subcommand(word);
      continue;
    }
    const bool option = word.rfind("--", 0) == 0;
    if (!option && (commands.empty() || word.rfind('-', 0) == 0)) continue;  // a file, or a short option
    const std::vector<std::string> known = option ? options_of(*at) : commands;
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    const auto near = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
      return distance(word, a) < distance(word, b);
    });
    if (near == known.end() || distance(word, *near) > std::max<std::size_t>(1, near->size() / 3)) return "";
    return "; did you mean '" + *near + "'?";
  }
  return "";
}

}  // namespace fu
