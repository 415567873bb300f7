// Command-line options made from the list of a configuration's fields (featup/fields.h): one option for each field that
// is offered, with its range and its choices. What was given is kept apart from any configuration and applied later: so
// the settings that --compat published stands for, which are known only then, can be the base.
#pragma once

#include <map>
#include <string>

#include "featup/fields.h"
#include "tools/cli/command.h"

namespace fu {

class FieldOptions {
 public:
  /// Adds --NAME for each field; for a flag that is true by default, --no-NAME. Help shows the defaults, but not those
  /// outside a field's range, which stand for "as the other settings say". this must outlive the app.
  template <class Options>
  void add(Command& app, const Options& defaults) {
    visit_fields(defaults, [&](const auto& value, const FieldInfo& info) {
      if (!info.offered) return;
      FieldInfo said = info;
      if (!info.only_values.empty()) said.help += " (--" + info.only_field + " " + info.only_words() + ")";
      add_option(app, said, value);
    });
  }

  /// Sets the fields that were given; the others stay.
  template <class Options>
  void apply(Options& options) const {
    set_fields(options, given_);
  }
  /// throws UsageError, which names the option, if a field was given that has no meaning in this configuration, to
  /// which they were applied.
  template <class Options>
  void require_meaning(const Options& options) const {
    const std::optional<FieldInfo> field = meaningless_field(options, given_);
    if (!field) return;
    throw UsageError(option_names_.at(field->name) + " is for --" + field->only_field + " " + field->only_words() +
                     ", and that is " + field_texts(options).at(field->only_field) + " here. Leave it out.");
  }
  /// The fields that were given, as texts.
  const std::map<std::string, std::string>& given() const { return given_; }

 private:
  void add_option(Command& app, const FieldInfo& info, bool value);
  void add_option(Command& app, const FieldInfo& info, Index value);
  void add_option(Command& app, const FieldInfo& info, std::uint64_t value);
  void add_option(Command& app, const FieldInfo& info, double value);
  void add_option(Command& app, const FieldInfo& info, const std::string& value);
  template <class T>
  void add_number(Command& app, const FieldInfo& info, T value);

  std::map<std::string, std::string> given_, option_names_;  // by the names of fields
};

}  // namespace fu
