// featup completion: a script for bash, which zsh reads too after bashcompinit, or one for fish. It completes commands,
// their options, the choices of options that have some, the names of backbones and upsamplers, and files.
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

/// The function FUNCTION of bash, which completes, and the line that makes it featup's.
std::string bash_completion(const CLI::App& app, const std::string& function) {
  const std::vector<NamedCommand> commands = all_commands(app);
  std::string groups;
  for (const std::string& name : command_names(app))
    if (!command_names(*command_named(app, name)).empty()) groups += (groups.empty() ? "" : "|") + name;
  std::string text = function +
                     "() {\n  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} "
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
         "}\ncomplete -o filenames -F " +
         function + " featup\n";
}

/// For zsh: as a file `_featup` in a folder of $fpath, whose first call completes at once, or sourced.
std::string zsh_completion(const CLI::App& app) {
  return "#compdef featup\n"
         "# Completion of featup: a file _featup in a folder of $fpath; or put: source <(featup completion zsh)\n"
         "# into ~/.zshrc\n"
         "(( $+functions[compdef] )) || { autoload -U compinit && compinit; }\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion(app, "_featup_words") +
         "if [[ ${funcstack[1]} == _featup ]]; then _bash_complete -o filenames -F _featup_words; fi\n";
}

/// A word of fish that stands for this text.
std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

/// A line of fish for each option of a command.
std::string fish_options(const NamedCommand& command) {
  std::string text;
  for (const CLI::Option* option : command.app->get_options()) {
    if (option->get_lnames().empty()) continue;
    text += "complete -c featup -n '__featup_in " + command.name + "'";
    for (const std::string& name : option->get_snames()) text += " -s " + name;
    for (const std::string& name : option->get_lnames()) text += " -l " + name;
    const std::string choices = choices_of(*option), names = names_beside_files(option->get_lnames().front());
    if (option->get_items_expected_max() > 0) text += choices.empty() ? " -r" : " -x";
    if (const std::string words = choices.empty() ? names : choices; !words.empty())
      text += " -a " + fish_quoted(words);
    text += " -d " + fish_quoted(option->get_description()) + "\n";
  }
  return text;
}

/// A line of fish for each command that may follow these words.
std::string fish_commands(const CLI::App& app, const std::string& before) {
  std::string text;
  for (const std::string& name : command_names(app))
    text += "complete -c featup -n '__featup_is" + (before.empty() ? "" : " " + before) + "' -f -a " + name + " -d " +
            fish_quoted(command_named(app, name)->get_description()) + "\n";
  return text;
}

std::string fish_completion(const CLI::App& app) {
  std::string text =
      "# Completion of featup: put it into ~/.config/fish/completions/featup.fish\n"
      "# True where exactly these words stand behind featup.\n"
      "function __featup_is\n  set -l words (commandline -opc)\n  set -e words[1]\n"
      "  test \"$words\" = \"$argv\"\nend\n"
      "# True where these words are the first behind featup.\n"
      "function __featup_in\n  set -l words (commandline -opc)\n  set -e words[1]\n"
      "  set -l last (count $argv)\n  test (count $words) -ge $last; and test \"$words[1..$last]\" = \"$argv\"\nend\n" +
      fish_commands(app, "");
  for (const std::string& name : command_names(app)) text += fish_commands(*command_named(app, name), name);
  for (const NamedCommand& command : all_commands(app)) text += fish_options(command);
  return text;
}

std::string shell_completion(const CLI::App& app, const std::string& shell) {
  if (shell == "fish") return fish_completion(app);
  if (shell == "zsh") return zsh_completion(app);
  return "# Completion of featup: source this file, or put: source <(featup completion bash) into ~/.bashrc\n" +
         bash_completion(app, "_featup");
}

}  // namespace

void add_completion(Command& command, Program& program) {
  const auto shell = std::make_shared<std::string>();
  command.add_option("shell", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
  command.footer("Example: featup completion bash > ~/.local/share/bash-completion/completions/featup");
  run_when_given(command, program, [shell, &program] {
    say("%s", shell_completion(*program.app, *shell).c_str());
    return 0;
  });
}

}  // namespace fu
