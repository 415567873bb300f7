// The fields of a configuration, listed once. From that list come the options of the command line, the settings that a
// file keeps, and the check that a file under way is resumed with the settings it was made with.
//
// A configuration is a struct with a function beside it that visits its fields:
//
//     template <class Options, class Visitor, FieldsOf<FitOptions, Options> = 0>
//     void visit_fields(Options& o, Visitor&& field) {
//       field(o.views, FieldInfo("views", "jittered views of the photo").range(1, 100000));
//       field(o.network.lr, FieldInfo("lr", "..."));
//     }
//
// Options is FitOptions or const FitOptions, so that one list serves readers and writers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base.h"
#include "core/error.h"

namespace fu {

/// What is known of a field besides its value. Names are those of the command line without the leading hyphens:
/// "grid-spacing". A flag that is true by default is switched off there by --no-NAME.
struct FieldInfo {
  std::string name;                  // "grid-spacing"
  std::string help;                  // of a flag: what is different when it is not as by default
  double low = 0, high = 0;          // the range of a number, both ends allowed; low == high: any number
  std::vector<std::string> choices;  // the allowed words of a text; empty: any text
  bool changes_result = true;        // false for what only limits the work, such as a time budget
  bool offered = true;               // false for what programs set: no option of the command line
  bool always_said = true;           // false: a fingerprint leaves it out while it has its default
  // The field has a meaning only while that other field has one of these values; empty: always.
  std::string only_field;
  std::vector<std::string> only_values;

  /// A field without a range or choices; the functions below, which return the field itself, say more of it.
  FieldInfo(std::string field_name, std::string field_help)
      : name(std::move(field_name)), help(std::move(field_help)) {}
  /// The ends of a number's range, both allowed.
  FieldInfo& range(double lowest, double highest) { return low = lowest, high = highest, *this; }
  /// The words that a text may be.
  FieldInfo& one_of(std::vector<std::string> words) { return choices = std::move(words), *this; }
  /// For what only limits the work.
  FieldInfo& keeps_result() { return changes_result = false, *this; }
  /// For what only programs set.
  FieldInfo& not_offered() { return offered = false, *this; }
  /// For a field that is added later: files that were made before it stay valid.
  FieldInfo& left_out_by_default() { return always_said = false, *this; }
  /// It has a meaning only while that other field has one of these values.
  FieldInfo& only_with(std::string field, std::vector<std::string> values) {
    return only_field = std::move(field), only_values = std::move(values), *this;
  }
  /// Whether it has a meaning beside the other fields' values.
  bool applies(const std::map<std::string, std::string>& values) const;
  /// "jbu", or "anyup, jafar, naf": only_values for texts.
  std::string only_words() const;
};

/// Exists only if Options is Base or const Base: keeps one configuration's visit_fields() apart from another's. It must
/// be written "FieldsOf<Base, Options> = 0": "class = FieldsOf<..>" would make all visit_fields() one and the same
/// template, defined twice as soon as a file includes two configurations.
template <class Base, class Options>
using FieldsOf = std::enable_if_t<std::is_same_v<std::remove_const_t<Options>, Base>, int>;

/// A value as text that reads back as the same value: numbers with all their digits, flags as 0 or 1.
std::string field_text(bool value);
std::string field_text(Index value);
std::string field_text(std::uint64_t value);
std::string field_text(double value);
std::string field_text(const std::string& value);

/// The reverse, checked against the field's range and choices. throws UsageError that names the field.
void read_field(const FieldInfo& info, const std::string& text, bool& value);
void read_field(const FieldInfo& info, const std::string& text, Index& value);
void read_field(const FieldInfo& info, const std::string& text, std::uint64_t& value);
void read_field(const FieldInfo& info, const std::string& text, double& value);
void read_field(const FieldInfo& info, const std::string& text, std::string& value);

/// Checks every field against its range and choices. throws UsageError that names the field.
template <class Options>
void check_fields(const Options& options) {
  visit_fields(options, [](const auto& value, const FieldInfo& info) {
    auto read = value;
    read_field(info, field_text(value), read);
  });
}

/// The value of every field as text.
template <class Options>
std::map<std::string, std::string> field_texts(const Options& options) {
  std::map<std::string, std::string> texts;
  visit_fields(options, [&](const auto& value, const FieldInfo& info) { texts[info.name] = field_text(value); });
  return texts;
}

/// The first of the fields that `given` names which has no meaning in this configuration; none if all have.
template <class Options>
std::optional<FieldInfo> meaningless_field(const Options& options, const std::map<std::string, std::string>& given) {
  const std::map<std::string, std::string> texts = field_texts(options);
  std::optional<FieldInfo> found;
  visit_fields(options, [&](const auto&, const FieldInfo& info) {
    if (!found && given.count(info.name) && !info.applies(texts)) found = info;
  });
  return found;
}

/// All fields of a configuration that its results follow from, as "name=value" separated by blanks, in their order: two
/// configurations with the same text give the same bits. Fields that have no meaning in it are left out.
template <class Options>
std::string fingerprint(const Options& options) {
  std::string text;
  std::map<std::string, std::string> usual;
  const std::map<std::string, std::string> texts = field_texts(options);
  const Options defaults;
  visit_fields(defaults, [&usual](const auto& value, const FieldInfo& info) {
    if (!info.always_said) usual[info.name] = field_text(value);
  });
  visit_fields(options, [&](const auto& value, const FieldInfo& info) {
    const auto it = usual.find(info.name);
    if (info.changes_result && info.applies(texts) && (it == usual.end() || it->second != field_text(value)))
      text += (text.empty() ? "" : " ") + info.name + "=" + field_text(value);
  });
  return text;
}

/// "views=200 seed=0" as {views, 200}, {seed, 0}, for set_fields().
std::map<std::string, std::string> split_fields(const std::string& text);

/// What is different in two fingerprints of one configuration, for errors: "views=200 (now 100), lr=0.1 (now 0.2)".
/// Empty if both are the same.
std::string fingerprint_difference(const std::string& before, const std::string& now);

/// Sets the fields that `given` names; the others stay. throws UsageError for a name that is no field, or a value out
/// of its range.
template <class Options>
void set_fields(Options& options, const std::map<std::string, std::string>& given) {
  std::size_t used = 0;
  visit_fields(options, [&](auto& value, const FieldInfo& info) {
    const auto it = given.find(info.name);
    if (it != given.end()) read_field(info, it->second, value), ++used;
  });
  if (used == given.size()) return;
  std::string names;
  visit_fields(options,
               [&names](const auto&, const FieldInfo& info) { names += (names.empty() ? "" : ", ") + info.name; });
  throw UsageError("[fields] a name among the settings is no field. The fields are: " + names + ".");
}

}  // namespace fu
