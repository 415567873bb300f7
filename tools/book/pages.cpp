// book_pages [--quick | --check [--measured]] FOLDER CHAPTER.md...
//
// Runs each chapter's program, build/bin/book_N beside this one, which writes its figures into FOLDER, and writes
// listings and printed lines into the chapter.
//   --quick  without the sections below a mark `measured`: times, speeds, and what takes long
//   --check  the same, but changes no chapter: exits 1 with a line for each block that is stale, and for each link,
//            anchor or figure that does not exist
//   --check --measured  also runs what is measured, but compares no times
#include "tools/book/pages.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/error.h"
#include "tools/media/whole_file.h"

namespace fu::book {

namespace {

namespace fs = std::filesystem;

enum class Mode { refresh, quick, check, check_all };

Lines read_lines(const fs::path& path) {
  std::ifstream in(path);
  require<FileError>(in.good(), path.string(), ": cannot be read.");
  Lines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// What the command prints. throws UsageError unless it ends with code 0.
std::string printed_by(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  require<UsageError>(pipe != nullptr, "cannot run: ", command);
  std::string text;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  require<UsageError>(::pclose(pipe) == 0, "failed: ", command);
  return text;
}

class Chapter {
 public:
  Chapter(const fs::path& path, const fs::path& folder, const fs::path& programs, Mode mode)
      : path_(path), folder_(folder), mode_(mode), page_(read_lines(path)), marks_(marks_of(page_)) {
    const std::string name = path.filename().string();
    number_ = name.substr(0, name.find('-'));
    program_ = programs / ("book_" + number_);
  }

  /// Messages about what is stale or does not exist; without --check, the page is rewritten first.
  std::vector<std::string> run() {
    run_program();
    std::vector<const Lines*> blocks;
    const std::vector<Lines> old = blocks_of(page_);
    for (std::size_t i = 0; i < marks_.size(); ++i) blocks.push_back(block(marks_[i], old[i]));
    if (!checks()) write(with_blocks(page_, blocks));
    check_links();
    check_figures();
    return faults_;
  }

 private:
  bool checks() const { return mode_ == Mode::check || mode_ == Mode::check_all; }
  bool runs_measured() const { return mode_ == Mode::refresh || mode_ == Mode::check_all; }

  void run_program() {
    std::string sections;
    for (const Mark& m : marks_)
      if (m.kind == "output" || (m.kind == "measured" && runs_measured())) sections += " " + quoted(m.first);
    if (sections.empty()) return;
    printed_ = sections_of(printed_by(quoted(program_.string()) + " " + quoted(folder_.string()) + sections));
    if (checks()) return;
    for (const auto& entry : fs::directory_iterator(folder_))
      if (entry.path().extension() == ".dot") {
        fs::path svg = entry.path();
        svg.replace_extension(".svg");
        printed_by("dot -Tsvg " + quoted(entry.path().string()) + " -o " + quoted(svg.string()));
        fs::remove(entry.path());
      }
  }

  /// The lines that belong below a mark; null to keep what is there.
  const Lines* block(const Mark& mark, const Lines& old) {
    if (mark.kind == "listing") {
      const fs::path source = path_.parent_path() / mark.first;
      try {
        made_.push_back(std::make_unique<Lines>(listing_of(read_lines(source), mark.second)));
      } catch (const UsageError& error) {
        throw UsageError(source.string() + ": " + error.what());
      }
      if (old != *made_.back()) stale("listing " + mark.first + " " + mark.second);
      return made_.back().get();
    }
    if (mark.kind == "measured" && old.empty() && mode_ != Mode::refresh) stale("measured " + mark.first);
    if (mark.kind == "measured" && !runs_measured()) return nullptr;
    const auto found = printed_.find(mark.first);
    require<UsageError>(found != printed_.end(), path_.string(), ": the program has no section '", mark.first, "'.");
    if (mark.kind == "output" && !same_output(old, found->second)) {
      stale("output " + mark.first);
      if (checks())
        for (const std::string& line : found->second) faults_.push_back("  now: " + line);
    }
    return mark.kind == "output" && same_output(old, found->second) ? nullptr : &found->second;
  }

  void stale(const std::string& what) {
    if (checks()) faults_.push_back(path_.filename().string() + ": stale: " + what);
  }

  void write(const Lines& page) {
    std::string text;
    for (const std::string& line : page) text += line + "\n";
    if (page != page_) write_whole_file(path_.string(), text);
  }

  void check_links() {
    for (const std::string& link : links_of(page_)) {
      if (link.find("://") != std::string::npos) continue;
      const std::size_t hash = link.find('#');
      const fs::path target = hash == 0 ? path_ : path_.parent_path() / link.substr(0, hash);
      if (!fs::exists(target)) {
        faults_.push_back(path_.filename().string() + ": a link to " + link + ", which does not exist");
      } else if (hash != std::string::npos) {
        const std::vector<std::string> anchors = anchors_of(read_lines(target));
        if (std::find(anchors.begin(), anchors.end(), link.substr(hash + 1)) == anchors.end())
          faults_.push_back(path_.filename().string() + ": a link to " + link + ": no heading has that anchor");
      }
    }
  }

  /// Figures beside the chapter whose names begin with its number are all shown in it.
  void check_figures() {
    const fs::path figures = path_.parent_path() / "figures";
    const std::vector<std::string> links = links_of(page_);
    if (!fs::exists(figures)) return;
    for (const auto& entry : fs::directory_iterator(figures)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(number_ + "-", 0) != 0) continue;
      if (std::find(links.begin(), links.end(), "figures/" + name) == links.end())
        faults_.push_back("figures/" + name + " is shown nowhere in " + path_.filename().string());
      const std::uintmax_t limit = entry.path().extension() == ".svg" ? 30000 : 80000;
      if (entry.file_size() > limit)
        faults_.push_back("figures/" + name + ": " + std::to_string(entry.file_size()) + " bytes, at most " +
                          std::to_string(limit) + " are allowed");
    }
  }

  fs::path path_, folder_, program_;
  Mode mode_;
  std::string number_;
  Lines page_;
  std::vector<Mark> marks_;
  std::map<std::string, Lines> printed_;
  std::vector<std::unique_ptr<Lines>> made_;
  std::vector<std::string> faults_;
};

int run(int argc, char** argv) {
  Mode mode = Mode::refresh;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--check" || word == "--quick")
      mode = word == "--check" ? Mode::check : Mode::quick;
    else if (word == "--measured" && mode == Mode::check)
      mode = Mode::check_all;
    else
      names.push_back(word);
  }
  if (names.size() < 2) {
    std::fprintf(stderr, "usage: book_pages [--quick | --check [--measured]] FOLDER CHAPTER.md...\n");
    return 2;
  }
  fs::create_directories(names[0]);
  const fs::path programs = fs::absolute(argv[0]).parent_path();
  std::size_t faults = 0;
  for (std::size_t i = 1; i < names.size(); ++i)
    for (const std::string& fault : Chapter(names[i], names[0], programs, mode).run()) {
      std::printf("%s\n", fault.c_str());
      ++faults;
    }
  if (faults > 0 && mode >= Mode::check)
    std::printf("build/bin/book_pages --quick tools/book/figures CHAPTER.md writes listings and outputs again.\n");
  return faults > 0 ? 1 : 0;
}

}  // namespace

}  // namespace fu::book

int main(int argc, char** argv) {
  try {
    return fu::book::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "book_pages: error: %s\n", error.what());
    return 2;
  }
}
