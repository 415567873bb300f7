// featup completion: a script for bash, which zsh reads too after bashcompinit. It completes commands, their options,
// the choices of options that have some, the names of backbones and upsamplers, and files.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "featup/backbones/registry.h"
#include "featup/upsamplers/registry.h"
#include "tools/cli/command_tree.h"
#include "tools/cli/program.h"
#include "tools/cli/say.h"

namespace fu {

namespace {

/// Names that an option takes beside files.
std::string names_beside_files(const std::string& option) {
  std::vector<std::string> names;
  if (option == "backbone") names = backbone_names();
  if (option == "upsampler")
    for (const UpsamplerMethod& method : upsampler_methods())
      if (!method.name.empty()) names.push_back(method.name);
  return joined(names);
}

/// The fixed choices of an option. CLI11 names their type "TEXT:{a,b}".
std::string choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return "";
  std::string choices = type.substr(open + 1, close - open - 1);
  std::replace(choices.begin(), choices.end(), ',', ' ');
  return choices;
}

/// Lines of a `case`: what may follow an option of a command.
std::string cases_of_values(const std::vector<NamedCommand>& commands) {
  std::string text;
  for (const auto& [name, command] : commands)
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_lnames().empty()) continue;
      const std::string& long_name = option->get_lnames().front();
      const std::string choices = choices_of(*option), names = names_beside_files(long_name);
      if (choices.empty() && names.empty()) continue;
      text += "      \"" + name + " --" + long_name + "\") words=\"" + (choices.empty() ? names : choices) + "\"" +
              (choices.empty() ? " files=1" : "") + " ;;\n";
    }
  return text;
}

std::string how_to_install(const std::string& shell) {
  return shell == "zsh" ? "put: source <(featup completion zsh) into ~/.zshrc\n"
                          "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"
                        : "put: source <(featup completion bash) into ~/.bashrc\n";
}

std::string shell_completion(const CLI::App& app, const std::string& shell) {
  const std::vector<NamedCommand> commands = all_commands(app);
  std::string groups;
  for (const std::string& name : command_names(app))
    if (!command_names(*command_named(app, name)).empty()) groups += (groups.empty() ? "" : "|") + name;
  std::string text = "# Completion of featup: source this file, or " + how_to_install(shell) +
                     "_featup() {\n  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} "
                     "command=\"${COMP_WORDS[1]}\" words=\"\" files=\"\"\n"
                     "  case \"$command\" in " +
                     groups +
                     ") command=\"$command ${COMP_WORDS[2]}\" ;; esac\n  COMPREPLY=()\n"
                     "  if [ \"$COMP_CWORD\" = 1 ]; then words=\"" +
                     joined(command_names(app)) + "\"\n";
  for (const std::string& name : command_names(app))
    if (const std::string inner = joined(command_names(*command_named(app, name))); !inner.empty())
      text += "  elif [ \"$COMP_CWORD\" = 2 ] && [ \"$last\" = " + name + " ]; then words=\"" + inner + "\"\n";
  text += "  else\n    case \"$command $last\" in\n" + cases_of_values(commands) +
          "    esac\n    if [ -z \"$words\" ] && [[ $word == -* ]]; then\n      case \"$command\" in\n";
  for (const auto& [name, command] : commands)
    text += "        \"" + name + "\") words=\"" + joined(long_options(*command)) + "\" ;;\n";
  return text +
         "      esac\n    fi\n  fi\n"
         "  [ -n \"$words\" ] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  if [ -z \"$words\" ] || [ -n \"$files\" ]; then COMPREPLY+=($(compgen -f -- \"$word\")); fi\n"
         "}\ncomplete -o filenames -F _featup featup\n";
}

}  // namespace

void add_completion(CLI::App& command, Program& program) {
  const auto shell = std::make_shared<std::string>();
  command.add_option("shell", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  command.footer("Example: featup completion bash > ~/.local/share/bash-completion/completions/featup");
  run_when_given(command, program, [shell, &program] {
    say("%s", shell_completion(*program.app, *shell).c_str());
    return 0;
  });
}

}  // namespace fu
