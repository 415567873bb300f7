// The summary of a command: what it read and wrote, and how long each stage took.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fu {

class Report {
 public:
  /// json: whether print() prints.
  Report(const std::string& command, const std::vector<std::string>& inputs, bool json);
  nlohmann::ordered_json& operator[](const std::string& key) { return json_[key]; }
  /// Adds the time since the last call (or the start) to a stage.
  void stage(const std::string& name);
  /// A line for people, said by print(): a run that fails says its error alone.
  void note(const std::string& line) { notes_.push_back(line); }
  /// Says the notes, closes the summary with times, threads, instruction set and peak memory, and prints it to standard
  /// output if
  /// --json was given.
  void print();
  /// Seconds since the start.
  double seconds() const;

 private:
  nlohmann::ordered_json json_, stages_;
  std::vector<std::string> notes_;
  bool prints_;
  double start_, last_;
};

/// " (text)" for a line of the summary; nothing for an empty text.
inline std::string in_brackets(const std::string& text) { return text.empty() ? "" : " (" + text + ")"; }

}  // namespace fu
