#include "featup/fields.h"

#include <algorithm>
#include <locale>
#include <sstream>

#include "core/number_text.h"

namespace fu {

namespace {

template <class T>
void read_number(const FieldInfo& info, const std::string& text, T& value) {
  std::istringstream in(text);
  in.exceptions(std::ios::badbit);   // a stream else takes missing memory for the end of the text
  in.imbue(std::locale::classic());  // a decimal point, whatever the user's locale
  T number{};
  in >> std::noskipws >> number;
  const bool whole = !in.fail() && in.peek() == std::char_traits<char>::eof();
  const bool negative = std::is_unsigned_v<T> && text.find('-') != std::string::npos;
  require<UsageError>(whole && !negative, info.name, " '", text, "': give a ",
                      std::is_integral_v<T> ? "whole number." : "number.");
  const auto x = static_cast<double>(number);
  require<UsageError>(info.low == info.high || (x >= info.low && x <= info.high), info.name, " ", text,
                      ": must be from ", info.low, " to ", info.high, ".");
  value = number;
}

}  // namespace

bool FieldInfo::applies(const std::map<std::string, std::string>& values) const {
  if (only_values.empty()) return true;
  const auto it = values.find(only_field);
  return it != values.end() && std::find(only_values.begin(), only_values.end(), it->second) != only_values.end();
}

std::string FieldInfo::only_words() const {
  std::string text;
  for (const std::string& value : only_values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

std::string field_text(bool value) { return value ? "1" : "0"; }
std::string field_text(Index value) { return std::to_string(value); }
std::string field_text(std::uint64_t value) { return std::to_string(value); }
std::string field_text(double value) { return number_text(value); }
std::string field_text(const std::string& value) { return value; }

void read_field(const FieldInfo& info, const std::string& text, bool& value) {
  require<UsageError>(text == "0" || text == "1", info.name, " '", text, "': give 0 or 1.");
  value = text == "1";
}
void read_field(const FieldInfo& info, const std::string& text, Index& value) { read_number(info, text, value); }
void read_field(const FieldInfo& info, const std::string& text, std::uint64_t& value) {
  read_number(info, text, value);
}
void read_field(const FieldInfo& info, const std::string& text, double& value) { read_number(info, text, value); }

void read_field(const FieldInfo& info, const std::string& text, std::string& value) {
  const bool known =
      info.choices.empty() || std::find(info.choices.begin(), info.choices.end(), text) != info.choices.end();
  std::string words;
  for (const std::string& word : info.choices) words += (words.empty() ? "" : ", ") + word;
  require<UsageError>(known, info.name, " '", text, "': choices are ", words, ".");
  value = text;
}

std::map<std::string, std::string> split_fields(const std::string& text) {
  std::map<std::string, std::string> fields;
  std::istringstream in(text);
  in.exceptions(std::ios::badbit);  // a stream else takes missing memory for the end of the text
  for (std::string word; in >> word;) {
    const std::size_t equals = std::min(word.find('='), word.size());
    fields[word.substr(0, equals)] = word.substr(std::min(equals + 1, word.size()));
  }
  return fields;
}

std::string fingerprint_difference(const std::string& before, const std::string& now) {
  const std::map<std::string, std::string> old = split_fields(before), other = split_fields(now);
  std::string text;
  const auto add = [&](const std::string& one) { text += (text.empty() ? "" : ", ") + one; };
  for (const auto& [name, value] : old) {
    const auto it = other.find(name);
    if (it == other.end()) add(name + "=" + value + " (now unknown)");
    if (it != other.end() && it->second != value) add(name + "=" + value + " (now " + it->second + ")");
  }
  for (const auto& [name, value] : other)
    if (!old.count(name)) add(name + " unsaid (now " + value + ")");
  return text;
}

}  // namespace fu
