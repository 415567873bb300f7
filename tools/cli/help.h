// Help made from the description of the command line itself: manual page, completion for shells, and what somebody may
// have meant.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace fu {

/// A manual page in roff, section 1.
std::string man_page(const CLI::App& app, const std::string& version);
/// A script for bash, which zsh reads too after bashcompinit: subcommands, their options, the choices of options that
/// have some, and files.
std::string shell_completion(const CLI::App& app, const std::string& shell);
/// "; did you mean '--size'?" for the first argument that is neither a subcommand nor an option; empty if nothing is
/// near.
std::string meant(const CLI::App& app, int argc, char** argv);

}  // namespace fu
