// The public headers: every name that a reader of them meets has a comment. tools/reference/README.md says the rule.
#include <fstream>
#include <regex>

#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Reads a header line by line, and collects the declarations that have no comment.
class Comments {
 public:
  explicit Comments(const std::string& header) : header_(header) {}

  void read(std::istream& in) {
    for (std::string line; std::getline(in, line);) read_line(line);
  }
  /// "core/tensor.h:30: static Tensor zeros(const Shape& shape)"
  const std::vector<std::string>& without() const { return without_; }
  Index seen() const { return seen_; }

 private:
  enum class Kind { names, hidden_names, type, body };
  struct Level {
    Kind kind;
    bool shown;  // public
    std::string type;
  };

  static bool matches(const std::string& text, const char* pattern) {
    return std::regex_search(text, std::regex(pattern));
  }
  static std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
    return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
  }
  Kind top() const { return levels_.empty() ? Kind::names : levels_.back().kind; }
  /// Whether all that was opened by ( is closed: else a brace belongs to an argument.
  bool balanced() const {
    return std::count(text_.begin(), text_.end(), '(') == std::count(text_.begin(), text_.end(), ')');
  }

  void read_line(const std::string& raw) {
    ++number_;
    const std::string line = trimmed(raw);
    if (line.empty()) covered_ = false;
    if (line.empty() || line[0] == '#') return;
    if (line.rfind("//", 0) == 0) {
      covered_ = line.rfind("// ----", 0) != 0;  // the head of a section is about no name
      covering_.clear();
      return;
    }
    if (line == "public:" || line == "private:" || line == "protected:") {
      levels_.back().shown = line == "public:";
      covered_ = false;
      return;
    }
    commented_ = raw.find("  // ") != std::string::npos;
    line_ = std::regex_replace(raw, std::regex("  // .*"), "");
    line_ = std::regex_replace(line_, std::regex(R"("([^"\\]|\\.)*")"), "\"\"");
    line_ = std::regex_replace(line_, std::regex(R"('([^'\\]|\\.)')"), "0");
    for (const char c : line_ + " ") read_character(c);
  }

  void read_character(char c) {
    if (trimmed(text_).empty() && c != ' ' && c != ';' && c != '}') first_ = number_, documented_ = covered_;
    if (c == '{') {
      open();
    } else if (c == '}') {
      levels_.pop_back();
      if (balanced()) text_.clear();
    } else if (c == ';') {
      if (top() != Kind::body && !trimmed(text_).empty()) declare(trimmed(text_), false);
      text_.clear();
    } else {
      text_ += c;
    }
  }

  void open() {
    const std::string text = trimmed(text_);
    const std::string plain = std::regex_replace(text, std::regex("^template *<[^{}]*?> *(?=class|struct)"), "");
    Level level{Kind::body, true, ""};
    std::smatch type;
    if (top() == Kind::body) {
    } else if (matches(plain, R"(\b(namespace|extern)\b)")) {
      level.kind = matches(plain, R"(\bdetail\b)") ? Kind::hidden_names : Kind::names;
    } else if (plain.find('(') == std::string::npos &&
               std::regex_search(plain, type, std::regex(R"(\b(class|struct|enum class|enum|union)\b *(\w*))"))) {
      level = {Kind::type, type[1] != "class", type[2]};
    }
    if (top() != Kind::body && balanced() && level.kind != Kind::names && level.kind != Kind::hidden_names)
      level.kind == Kind::type ? need(text, documented_ || commented_) : declare(text, true);
    levels_.push_back(level);
    if (level.kind != Kind::body) covered_ = false;
    if (level.kind != Kind::body || balanced()) text_.clear();
  }

  /// The name of a function, or nothing for anything else.
  static std::string function_name(const std::string& text) {
    const std::string plain = std::regex_replace(text, std::regex("^(template *<[^;{}]*?> *)+(?=[A-Za-z])"), "");
    std::smatch found;
    if (!std::regex_search(plain, found, std::regex(R"((operator\(\)|operator[^\s(\w]+|~?\w+(::\w+)*(<\w+>)?)\s*\()")))
      return "";
    const bool value = plain.find('=') < static_cast<std::size_t>(found.position(0)) && found[1].str()[0] != 'o';
    return value ? "" : found[1].str();
  }

  void declare(const std::string& text, bool has_body) {
    if (matches(text, R"(^(class|struct|enum|friend|using namespace|extern)\b[^=(]*$|^friend\b|^using \w+::)")) return;
    if (matches(text, R"(= (delete|default)$|\boverride\b)")) return;
    const std::string name = function_name(text);
    if (!name.empty() && (name[0] == '~' || name.find("::") != std::string::npos)) return;
    if (top() == Kind::type) {
      const std::string& type = levels_.back().type;
      if (name.empty() || matches(name, "^operator(=|==|!=)$")) return;  // fields say by their names what they are
      const bool plain = name == type && matches(text, R"(\(\)|\((const )?\w+ ?&+ ?\w*\) ?noexcept)");
      const bool accessor = has_body && matches(text, " const$") && trimmed(line_).back() == '}';
      if (plain || accessor) return;
      need(text, commented_ || (documented_ && (covering_.empty() || covering_ == name)));
    } else {
      need(text, commented_ || documented_);
    }
    if (documented_ && covering_.empty()) covering_ = name;
  }

  void need(const std::string& text, bool has) {
    for (const Level& level : levels_)
      if (!level.shown || level.kind == Kind::body || level.kind == Kind::hidden_names) return;
    ++seen_;
    if (!has) without_.push_back(header_ + ":" + std::to_string(first_) + ": " + text);
  }

  std::string header_, line_;
  std::vector<std::string> without_;
  std::vector<Level> levels_;
  std::string text_, covering_;  // of the declaration under way; the name that the comment above belongs to
  bool covered_ = false, documented_ = false, commented_ = false;
  int number_ = 0, first_ = 0;
  Index seen_ = 0;
};

std::vector<std::string> without_comment(const std::string& text) {
  std::istringstream in(text);
  Comments comments("x");
  comments.read(in);
  return comments.without();
}

}  // namespace

TEST_CASE("reference: every name of the public headers has a comment") {
  std::string broken;
  Index seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FU_PROGRAMS "/../include/featup")) {
    const std::string name = entry.path().filename().string();
    // The C header's functions of a family share what its head says; its comments are of another form.
    if (!entry.is_regular_file() || name == "featup_c.h" || name == "version.h" || name == "config.h") continue;
    std::ifstream in(entry.path());
    Comments comments(name);
    comments.read(in);
    for (const std::string& one : comments.without()) broken += "\n  " + one;
    seen += comments.seen();
  }
  CHECK_MESSAGE(broken.empty(), "without a comment:", broken);
  CHECK(seen > 500);
}

TEST_CASE("reference: a name without a comment is found, and what shares one or needs none is not") {
  const std::vector<std::string> found = without_comment(R"(
namespace fu {
struct Bare {
  int field = f(2);
};
/// A class.
class A {
 public:
  A();
  A(int size);
  /// Two of them.
  void set(int x);
  void set(double x);
  void clear();
  int size() const { return size_; }
  int grow(int x) { return size_ += x; }
  ~A() = default;

 private:
  void hidden();
  int size_;
};
/// One.
int one();
int two();

int three(const char* text = "{");
constexpr int kFour = 4;  // a constant
}  // namespace fu
)");
  std::string all;
  for (const std::string& one : found) all += one + "\n";
  CHECK(all ==
        "x:3: struct Bare\nx:10: A(int size)\nx:14: void clear()\nx:16: int grow(int x)\n"
        "x:27: int three(const char* text = \"\")\n");
}
