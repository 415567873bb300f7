#include "tools/cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace fu {

Option& Option::required() {
  option_->required();
  return *this;
}
Option& Option::expected(int words) {
  option_->expected(words);
  return *this;
}
Option& Option::between(int low, int high) {
  option_->check(CLI::Range(low, high));
  return *this;
}
Option& Option::between(Index low, Index high) {
  option_->check(CLI::Range(low, high));
  return *this;
}
Option& Option::between(std::uint64_t low, std::uint64_t high) {
  option_->check(CLI::Range(low, high));
  return *this;
}
Option& Option::between(double low, double high) {
  option_->check(CLI::Range(low, high));
  return *this;
}
Option& Option::positive() {
  option_->check(CLI::PositiveNumber);
  return *this;
}
Option& Option::non_negative() {
  option_->check(CLI::NonNegativeNumber);
  return *this;
}
Option& Option::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}
Option& Option::check(const std::function<std::string(const std::string&)>& wrong) {
  option_->check(wrong);
  return *this;
}
Option& Option::needs(const std::string& other) {
  option_->needs(other);
  return *this;
}
Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}
Option& Option::excludes(const std::string& other) {
  option_->excludes(other);
  return *this;
}
Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}
Option& Option::show_default(const std::string& text) {
  option_->default_str(text);
  return *this;
}
bool Option::given() const { return option_ && option_->count() > 0; }

namespace {

/// Leaves plain decimal numbers for CLI11, which takes 010 for eight and what is too large for the largest.
std::string make_decimal(std::string& text) {
  const std::size_t begin = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  if (text.size() == begin || text.find_first_not_of("0123456789", begin) != std::string::npos) return {};
  text.erase(begin, std::min(text.find_first_not_of('0', begin), text.size() - 1) - begin);
  static const std::string most = std::to_string(std::numeric_limits<std::uint64_t>::max());
  const std::string digits = text.substr(begin);
  const bool fits = digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
  return fits ? std::string() : "'" + text + "' is too large: " + most + " is the largest number.";
}

std::string refuse_empty(const std::string& text) {
  return text.empty() ? "the text is empty. Give a value, or leave the option out." : "";
}

/// What all options of a type have in common. CLI11 would go on with the default in place of an empty text.
template <class T>
Option checked(CLI::Option* option) {
  if (std::is_integral<T>::value) option->transform(CLI::Validator(make_decimal, ""));
  if (std::is_same<T, std::string>::value) option->check(refuse_empty);
  return Option(option);
}

}  // namespace

template <class T>
Option Command::add_option(const std::string& names, T& value, const std::string& help) {
  return checked<T>(app_->add_option(names, value, help));
}
template Option Command::add_option(const std::string&, std::string&, const std::string&);
template Option Command::add_option(const std::string&, int&, const std::string&);
template Option Command::add_option(const std::string&, Index&, const std::string&);
template Option Command::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option Command::add_option(const std::string&, double&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<std::string>&, const std::string&);

template <class T>
Option Command::add_option_function(const std::string& name, const std::function<void(const T&)>& take,
                                    const std::string& help) {
  return checked<T>(app_->add_option_function<T>(name, take, help));
}
template Option Command::add_option_function(const std::string&, const std::function<void(const std::string&)>&,
                                             const std::string&);
template Option Command::add_option_function(const std::string&, const std::function<void(const Index&)>&,
                                             const std::string&);
template Option Command::add_option_function(const std::string&, const std::function<void(const std::uint64_t&)>&,
                                             const std::string&);
template Option Command::add_option_function(const std::string&, const std::function<void(const double&)>&,
                                             const std::string&);

Option Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  return Option(app_->add_flag(names, value, help));
}
Option Command::add_flag_function(const std::string& name, const std::function<void()>& take, const std::string& help) {
  return Option(app_->add_flag_callback(name, take, help));
}
void Command::footer(const std::string& text) { app_->footer(text); }

void Command::when_given(const std::function<void()>& call) { app_->callback(call); }
bool Command::given(const std::string& name) const { return app_->count(name) > 0; }

}  // namespace fu
