#include "tools/cli/field_options.h"

namespace fu {

template <class T>
void FieldOptions::add_number(Command& app, const FieldInfo& info, T value) {
  Option option = app.add_option_function<T>(
      option_names_[info.name] = "--" + info.name,
      [this, name = info.name](const T& given) { given_[name] = field_text(given); }, info.help);
  const bool bounded = info.low != info.high;
  if (bounded) option.between(static_cast<T>(info.low), static_cast<T>(info.high));
  const auto number = static_cast<double>(value);
  if (!bounded || (number >= info.low && number <= info.high)) option.show_default(cat(value));
}

void FieldOptions::add_option(Command& app, const FieldInfo& info, bool value) {
  app.add_flag_function(
      option_names_[info.name] = (value ? "--no-" : "--") + info.name,
      [this, name = info.name, value] { given_[name] = field_text(!value); }, info.help);
}
void FieldOptions::add_option(Command& app, const FieldInfo& info, Index value) { add_number(app, info, value); }
void FieldOptions::add_option(Command& app, const FieldInfo& info, std::uint64_t value) {
  add_number(app, info, value);
}
void FieldOptions::add_option(Command& app, const FieldInfo& info, double value) { add_number(app, info, value); }
void FieldOptions::add_option(Command& app, const FieldInfo& info, const std::string& value) {
  Option option = app.add_option_function<std::string>(
      option_names_[info.name] = "--" + info.name,
      [this, name = info.name](const std::string& given) { given_[name] = given; }, info.help);
  if (!info.choices.empty()) option.one_of(info.choices);
  if (!value.empty()) option.show_default(value);
}

}  // namespace fu
