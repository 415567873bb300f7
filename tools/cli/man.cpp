// featup man: the manual page, made from the description of the command line.
#include <CLI/CLI.hpp>

#include "tools/cli/command_tree.h"
#include "tools/cli/program.h"
#include "tools/cli/say.h"

namespace fu {

namespace {

/// Text for roff: signs that it would read as commands are escaped.
std::string roff(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] == '.' || text[i] == '\'') && (i == 0 || text[i - 1] == '\n')) out += "\\&";
    out += text[i] == '-' ? "\\-" : text[i] == '\\' ? "\\e" : std::string(1, text[i]);
  }
  return out;
}

/// "-o, --output TEXT": what is typed for an option, or the name of an argument without one. CLI11 writes kinds of
/// values as "TEXT:{a,b}" and "INT:INT in [1 - 9]": what stands behind the colon says all.
std::string typed(const CLI::Option& option) {
  std::string text;
  for (const std::string& name : option.get_snames()) text += (text.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) text += (text.empty() ? "--" : ", --") + name;
  if (text.empty()) return option.get_name(true);
  if (option.get_items_expected_max() == 0) return text;
  const std::string type = option.get_type_name();
  const std::size_t colon = type.find(':');
  return text + " " + (colon == std::string::npos ? type : type.substr(colon + 1));
}

/// A manual page in roff, section 1.
std::string man_page(const CLI::App& app, const std::string& version) {
  std::string text = ".TH FEATUP 1 \"\" \"featup " + version + "\" \"User Commands\"\n.SH NAME\nfeatup \\- " +
                     roff(app.get_description()) + "\n.SH SYNOPSIS\n.B featup\n.I COMMAND\n[options]\n.SH COMMANDS\n";
  for (const auto& [name, command] : all_commands(app)) {
    text += ".SS featup " + roff(name) + "\n" + roff(command->get_description()) + "\n";
    for (const CLI::Option* option : command->get_options()) {
      text += ".TP\n.B " + roff(typed(*option)) + "\n" + roff(option->get_description());
      if (!option->get_default_str().empty()) text += " (default: " + roff(option->get_default_str()) + ")";
      text += "\n";
    }
    if (!command->get_footer().empty()) text += ".PP\n.nf\n" + roff(command->get_footer()) + "\n.fi\n";
  }
  return text + ".SH EXIT STATUS\n0 done, 1 could not, 2 wrong usage.\n";
}

}  // namespace

void add_man(Command& command, Program& program) {
  command.footer("Example: featup man > featup.1");
  run_when_given(command, program, [&program] {
    say("%s", man_page(*program.app, program.version).c_str());
    return 0;
  });
}

}  // namespace fu
