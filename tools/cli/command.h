// A command and its options, as the command's own file adds them. Behind them stands CLI11, whose header takes a
// compiler nine seconds: it is read where the command line is made and described (command.cpp and few others), not by
// every command.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fu {

/// An option of a command. Copies are the same option; what is said of it can be chained. Of a default-made one nothing
/// but given() may be asked.
class Option {
 public:
  Option() = default;
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  /// So many words, no more and no less.
  Option& expected(int words);
  /// Numbers from `low` to `high`. The type is that of the option's value: help names it.
  Option& between(int low, int high);
  Option& between(Index low, Index high);
  Option& between(std::uint64_t low, std::uint64_t high);
  Option& between(double low, double high);
  Option& positive();
  Option& non_negative();
  Option& one_of(const std::vector<std::string>& words);
  /// `wrong` gives the complaint about a text, or an empty string if it can be taken.
  Option& check(const std::function<std::string(const std::string& text)>& wrong);
  /// Refused without the other option; with it.
  Option& needs(const std::string& other);
  Option& needs(const Option& other);
  Option& excludes(const std::string& other);
  /// Help shows the value that the variable has now, or this text, as the default.
  Option& show_default();
  Option& show_default(const std::string& text);

  /// False for a default-made one, which stands for no option.
  explicit operator bool() const { return option_ != nullptr; }
  /// Whether the command line has it. False for a default-made one.
  bool given() const;

 private:
  CLI::Option* option_ = nullptr;
};

/// A command of the program. Copies are the same command.
class Command {
 public:
  Command() = default;
  explicit Command(CLI::App& app) : app_(&app) {}

  /// An option that takes a value ("-o,--output"), or an argument by its place ("image"). T: std::string, int, Index,
  /// double, std::uint64_t, or a vector of strings for as many as are given. `value` must outlive the command.
  template <class T>
  Option add_option(const std::string& names, T& value, const std::string& help);
  /// The same, with a function that is given the value.
  template <class T>
  Option add_option_function(const std::string& name, const std::function<void(const T&)>& take,
                             const std::string& help);
  /// An option without a value: "--json", or "!--no-html", which sets false.
  Option add_flag(const std::string& names, bool& value, const std::string& help);
  Option add_flag_function(const std::string& name, const std::function<void()>& take, const std::string& help);
  /// What stands below the options in help: an example.
  void footer(const std::string& text);

  /// Called when the command line has been read and names this command.
  void when_given(const std::function<void()>& call);
  /// Whether the command line has the option of that name.
  bool given(const std::string& name) const;
  /// CLI11's own description of it.
  CLI::App& app() const { return *app_; }

 private:
  CLI::App* app_ = nullptr;
};

}  // namespace fu
