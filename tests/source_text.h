// A C++ source file as far as the rules of the tree need it: lines, includes, string literals, lengths of functions.
#pragma once

#include <string>
#include <vector>

namespace fu::test {

class SourceText {
 public:
  struct Literal {
    std::size_t line;  // from 1
    std::string text;
  };
  struct Function {
    std::size_t line;   // of its opening brace, from 1
    std::size_t lines;  // from there to its closing brace
    std::string head;   // what stands in front of the brace
  };

  /// name: the path from the root of the tree.
  SourceText(const std::string& path, const std::string& name);
  static SourceText of(const std::string& text);

  const std::string& name() const { return name_; }
  const std::vector<std::string>& lines() const { return lines_; }
  /// Paths of #include "..." and #include <...>.
  const std::vector<std::string>& includes() const { return includes_; }
  const std::vector<Literal>& literals() const { return literals_; }
  /// Functions that stand in namespaces or classes; a test case is one.
  const std::vector<Function>& functions() const { return functions_; }

 private:
  SourceText() = default;
  void read(const std::string& text);
  /// The text without comments, directives and the contents of literals; fills literals and includes.
  std::string code_of(const std::string& text);
  void directive(const std::string& line);
  void find_functions(const std::string& code);

  std::string name_;
  std::vector<std::string> lines_, includes_;
  std::vector<Literal> literals_;
  std::vector<Function> functions_;
};

}  // namespace fu::test
