// The book's tables: every op and every name of ours in them exists, and no op is missing.
#include <cctype>
#include <fstream>
#include <set>

#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

using Cells = std::vector<std::string>;

/// Rows of all tables of a page, without their heads.
std::vector<Cells> rows_of(const std::string& path) {
  std::ifstream file(FU_SOURCE_DIR "/" + path);
  std::vector<Cells> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("|---", 0) == 0) {
      rows.pop_back();  // the head
      continue;
    }
    if (line.empty() || line[0] != '|') continue;
    Cells cells(1);
    for (std::size_t i = 1; i + 1 < line.size(); ++i)
      if (line[i] == '|')
        cells.emplace_back();
      else
        cells.back() += line[i];
    rows.push_back(cells);
  }
  return rows;
}

/// Identifiers of a text.
std::vector<std::string> identifiers(const std::string& text) {
  std::vector<std::string> found(1);
  for (const char c : text + " ")
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_')
      found.back() += c;
    else if (!found.back().empty())
      found.emplace_back();
  found.pop_back();
  return found;
}

/// What stands between backticks.
std::vector<std::string> code_of(const std::string& text) {
  std::vector<std::string> code;
  for (std::size_t at = text.find('`'); at != std::string::npos;) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string::npos) break;
    code.push_back(text.substr(at + 1, end - at - 1));
    at = text.find('`', end + 1);
  }
  return code;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("book: PyTorch's names stand beside names that public headers have") {
  std::set<std::string> known;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FU_PROGRAMS "/../include/featup"))
    if (entry.is_regular_file())
      for (const std::string& name : identifiers(text_of(entry.path()))) known.insert(name);
  const auto rows = rows_of("tools/book/pytorch.md");
  CHECK(rows.size() > 50);
  std::size_t names = 0;
  for (const Cells& row : rows) {
    REQUIRE(row.size() == 3);
    CAPTURE(row[1]);
    const auto ours = code_of(row[1]);
    CHECK(!ours.empty());
    for (const std::string& code : ours)
      for (const std::string& name : identifiers(code)) {
        if (name.size() < 2) continue;  // numbers and variables
        CAPTURE(name);
        CHECK(known.count(name) == 1);
        ++names;
      }
  }
  CHECK(names > 100);
}

TEST_CASE("book: the index of ops has every op file and every op, and each row is complete") {
  std::set<std::string> listed, sources;
  for (const Cells& row : rows_of("tools/book/ops.md")) {
    REQUIRE(row.size() == 5);
    for (const std::string& cell : row) CHECK(cell.find_first_not_of(' ') != std::string::npos);
    for (const std::string& name : code_of(row[0])) CHECK_MESSAGE(listed.insert(name).second, name);
    const std::size_t begin = row[4].find('[') + 1, end = row[4].find(']');
    const std::string source = row[4].substr(begin, end - begin);
    CHECK(contains(row[4], "(../../autograd/ops/" + source + ".cpp)"));
    sources.insert(source);
  }
  std::set<std::string> expected;
  const std::string def = text_of(FU_SOURCE_DIR "/autograd/ops.def");
  for (std::size_t at = def.find("\nFU_OP("); at != std::string::npos; at = def.find("\nFU_OP(", at + 1))
    expected.insert(def.substr(at + 7, def.find(')', at) - at - 7));
  CHECK(expected.size() > 30);
  CHECK(sources == expected);

  std::set<std::string> declared;
  std::ifstream header(FU_SOURCE_DIR "/autograd/ops.h");
  for (std::string line; std::getline(header, line);)
    for (const char* start : {"Var ", "inline Var "})
      if (line.rfind(start, 0) == 0 && line.find('(') != std::string::npos) {
        const std::size_t begin = std::string(start).size();
        declared.insert(line.substr(begin, line.find('(') - begin));
      }
  CHECK(listed == declared);
}
