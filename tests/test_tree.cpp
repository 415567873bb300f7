// The rules that hold for every file of the tree: sizes, floors, words that have no place in the library.
#include <algorithm>
#include <fstream>
#include <set>

#include "tests/source_text.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostLines = 350, kMedianLines = 130, kMostColumns = 120, kMostFunctionLines = 80;
/// The floors, from the ground up: a file includes from its own floor and those below.
const std::vector<std::string> kFloors = {"core", "autograd", "layers", "featup", "tools", "tests"};
constexpr std::size_t kLibraryFloors = 4;

const fs::path kRoot = FU_SOURCE_DIR;

std::string name_of(const fs::path& path) { return path.lexically_relative(kRoot).generic_string(); }

/// Position of the path's floor in kFloors.
std::size_t floor_of(const std::string& path) {
  const auto at = std::find(kFloors.begin(), kFloors.end(), path.substr(0, path.find('/')));
  return static_cast<std::size_t>(at - kFloors.begin());
}

/// Files of all floors with one of these endings, sorted.
std::vector<fs::path> files(const std::set<std::string>& endings) {
  std::vector<fs::path> found;
  for (const std::string& floor : kFloors)
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / floor))
      if (entry.is_regular_file() && endings.count(entry.path().extension().string())) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

const std::vector<SourceText>& sources() {
  static const std::vector<SourceText> all = [] {
    std::vector<SourceText> list;
    for (const fs::path& path : files({".cpp", ".h", ".def"})) list.emplace_back(path.string(), name_of(path));
    return list;
  }();
  return all;
}

bool is_code(const SourceText& s) { return fs::path(s.name()).extension() != ".def"; }

/// One message for all that break a rule, or nothing.
void check_none(const std::vector<std::string>& broken) {
  std::string text;
  for (const std::string& one : broken) text += "\n  " + one;
  CHECK_MESSAGE(broken.empty(), broken.size(), " break the rule:", text);
}

}  // namespace

TEST_CASE("tree: no source file is above 350 lines, half of them are below 130") {
  std::vector<std::string> broken;
  std::vector<std::size_t> sizes;
  for (const SourceText& s : sources()) {
    if (!is_code(s)) continue;
    sizes.push_back(s.lines().size());
    if (sizes.back() > kMostLines) broken.push_back(s.name() + ": " + std::to_string(sizes.back()) + " lines");
  }
  check_none(broken);
  REQUIRE(!sizes.empty());
  std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2), sizes.end());
  CHECK(sizes[sizes.size() / 2] < kMedianLines);
}

TEST_CASE("tree: no line is above 120 columns") {
  std::vector<std::string> broken;
  for (const SourceText& s : sources())
    for (std::size_t i = 0; i < s.lines().size(); ++i) {
      const std::string& line = s.lines()[i];
      const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
      if (static_cast<std::size_t>(columns) > kMostColumns)
        broken.push_back(s.name() + ":" + std::to_string(i + 1) + ": " + std::to_string(columns) + " columns");
    }
  check_none(broken);
}

TEST_CASE("tree: no function is above 80 lines") {
  std::vector<std::string> broken;
  for (const SourceText& s : sources())
    for (const SourceText::Function& f : s.functions())
      if (f.lines > kMostFunctionLines)
        broken.push_back(s.name() + ":" + std::to_string(f.line) + ": " + std::to_string(f.lines) +
                         " lines: " + f.head);
  check_none(broken);
}

TEST_CASE("tree: no file includes from a floor above its own") {
  std::vector<std::string> broken;
  for (const SourceText& s : sources())
    for (const std::string& path : s.includes())
      if (floor_of(path) < kFloors.size() && floor_of(path) > floor_of(s.name()))
        broken.push_back(s.name() + " includes " + path);
  check_none(broken);
}

TEST_CASE("tree: Eigen and JSON stay out of the library's headers, but for core/eigen.h") {
  std::vector<std::string> broken;
  for (const SourceText& s : sources()) {
    // Headers of kernels are not installed, but for types.h.
    const bool inner = s.name().rfind("core/kernels/", 0) == 0 && s.name() != "core/kernels/types.h";
    if (floor_of(s.name()) >= kLibraryFloors || fs::path(s.name()).extension() != ".h" || inner) continue;
    for (const std::string& path : s.includes()) {
      const bool private_library = path.rfind("Eigen/", 0) == 0 || path.rfind("nlohmann/", 0) == 0;
      if ((private_library || path == "core/eigen.h") && s.name() != "core/eigen.h")
        broken.push_back(s.name() + " includes " + path);
    }
  }
  check_none(broken);
}

TEST_CASE("tree: the system is called in core/system.cpp alone, by the program also for signals and sockets") {
  const std::set<std::string> callers = {"core/system.cpp", "core/kernels/targets/cpu.h", "tools/cli/interrupt.cpp",
                                         "tools/serve/listener.cpp", "tools/serve/server_names.cpp"};
  const std::set<std::string> headers = {"dirent.h", "dlfcn.h",  "fcntl.h",  "netdb.h",   "poll.h", "pthread.h",
                                         "sched.h",  "signal.h", "stdlib.h", "termios.h", "time.h", "unistd.h"};
  std::vector<std::string> broken;
  std::size_t seen = 0;
  for (const SourceText& s : sources())
    for (const std::string& path : s.includes()) {
      const std::string folder = path.substr(0, path.find('/') + 1);
      const bool of_system =
          headers.count(path) || folder == "sys/" || folder == "linux/" || folder == "netinet/" || folder == "arpa/";
      if (!of_system || kFloors[floor_of(s.name())] == "tests") continue;
      if (callers.count(s.name()))
        ++seen;
      else
        broken.push_back(s.name() + " includes " + path);
    }
  check_none(broken);
  CHECK(seen > callers.size());  // else none would be found above either
}

TEST_CASE("tree: what a processor decides stands in core/kernels/targets/") {
  std::vector<std::string> broken;
  std::size_t seen = 0;
  for (const SourceText& s : sources())
    for (std::size_t i = 0; i < s.lines().size(); ++i) {
      const std::string& line = s.lines()[i];
      const std::size_t first = line.find_first_not_of(' ');
      if (first == std::string::npos || line[first] != '#' || line.find("if") == std::string::npos) continue;
      for (const char* name : {"__x86_64__", "__i386__", "__aarch64__", "__arm__", "__ARM_", "__AVX", "__SSE",
                               "__FMA__", "__s390", "__powerpc", "__riscv", "__wasm_simd"})
        if (line.find(name) == std::string::npos)
          continue;
        else if (s.name().rfind("core/kernels/targets/", 0) == 0)
          ++seen;
        else
          broken.push_back(s.name() + ":" + std::to_string(i + 1) + ": " + line);
    }
  check_none(broken);
  CHECK(seen > 0);  // else none would be found above either
}

TEST_CASE("tree: the library speaks of arguments, not of the program's options") {
  std::vector<std::string> broken;
  for (const SourceText& s : sources()) {
    if (floor_of(s.name()) >= kLibraryFloors) continue;
    for (const SourceText::Literal& l : s.literals())
      for (std::size_t at = l.text.find("--"); at != std::string::npos; at = l.text.find("--", at + 2))
        if (at + 2 < l.text.size() && std::islower(static_cast<unsigned char>(l.text[at + 2])))
          broken.push_back(s.name() + ":" + std::to_string(l.line) + ": \"" + l.text + "\"");
  }
  check_none(broken);
}

TEST_CASE("tree: numbers with a fraction are read and written by core/number_text.h, which knows no locale") {
  std::vector<std::string> broken;
  for (const SourceText& s : sources()) {
    if (floor_of(s.name()) >= kLibraryFloors) continue;
    for (std::size_t i = 0; i < s.lines().size(); ++i)
      for (const char* call :
           {"strtod(", "strtof(", "strtold(", "stod(", "stof(", "atof(", "std::to_string(static_cast<double"})
        if (s.lines()[i].find(call) != std::string::npos)
          broken.push_back(s.name() + ":" + std::to_string(i + 1) + ": " + call);
    for (const SourceText::Literal& l : s.literals())
      for (const char* format : {"%f", "%g", "%e", "%.", "%lf", "%lg", "%*.", "%#g"})
        if (l.text.find(format) != std::string::npos)
          broken.push_back(s.name() + ":" + std::to_string(l.line) + ": " + l.text);
    const auto anywhere = [&s](const char* text) {
      return std::any_of(s.lines().begin(), s.lines().end(),
                         [text](const std::string& line) { return line.find(text) != std::string::npos; });
    };
    if (anywhere("stringstream ") && !anywhere("imbue(std::locale::classic())"))
      broken.push_back(s.name() + ": a stream that follows the application's locale");
  }
  check_none(broken);
}

TEST_CASE("tree: nothing names a folder of one machine") {
  std::vector<std::string> broken;
  std::vector<fs::path> all = files({".cpp", ".h", ".def", ".md", ".txt", ".cmake", ".sh", ".html", ".py", ".json"});
  for (const auto& entry : fs::directory_iterator(kRoot))
    if (entry.is_regular_file() && entry.path().filename().string()[0] != '.') all.push_back(entry.path());
  for (const fs::path& path : all) {
    std::ifstream in(path);
    std::string line;
    for (std::size_t i = 1; std::getline(in, line); ++i)
      for (const char* folder : {"home", "work", "root", "Users", "mnt", "media/"}) {
        const std::string start = "/" + std::string(folder) + (std::string(folder).back() == '/' ? "" : "/");
        const std::size_t at = line.find(start);
        // Only where a path begins, not inside of one.
        if (at != std::string::npos && (at == 0 || std::strchr(" \t\"'`(=:,", line[at - 1])))
          broken.push_back(name_of(path) + ":" + std::to_string(i) + ": " + line.substr(at, 40));
      }
  }
  check_none(broken);
}

TEST_CASE("tree: every room says in a README.md what lives there") {
  std::set<std::string> broken;
  for (const SourceText& s : sources()) {
    // A room is a floor, or a folder of one. What lies deeper is told in the room's page; folders of tests mirror the
    // rooms, and tests/README.md speaks for all of them.
    fs::path room = fs::path(s.name()).parent_path();
    while (std::distance(room.begin(), room.end()) > 2) room = room.parent_path();
    if (floor_of(s.name()) == kFloors.size() - 1) room = "tests";
    if (!fs::exists(kRoot / room / "README.md")) broken.insert(room.generic_string());
  }
  check_none({broken.begin(), broken.end()});
}

TEST_CASE("tree: the scanner tells functions, classes and tables apart") {
  const SourceText s = SourceText::of(R"x(
namespace a {
struct B {
  B() : x_{1}, y_(2) {
    f();
  }
  int x_;  // a comment with { and "
};
const int kTable[] = {
    1,
};
int f(const char* s = "}") {
  if (s) {
    return '{';
  }
  return R"(--raw
{)"[0];
}
}  // namespace a
#define MACRO(x) { \
  x
#include <Eigen/Core>
#include "core/x.h"
)x");
  REQUIRE(s.functions().size() == 2);
  CHECK(s.functions()[0].line == 4);
  CHECK(s.functions()[0].lines == 2);
  CHECK(s.functions()[1].line == 12);
  CHECK(s.functions()[1].lines == 6);
  CHECK(s.functions()[1].head == "int f(const char* s = \"\")");
  REQUIRE(s.literals().size() == 2);
  CHECK(s.literals()[1].text == "--raw\n{");
  CHECK(s.includes() == std::vector<std::string>{"Eigen/Core", "core/x.h"});
}
