#include "tools/book/book.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>

#include "tools/cli/progress.h"
#include "tools/media/whole_file.h"

namespace fu::book {

namespace {

std::string folder;

const Section* find(const std::vector<Section>& sections, const char* name) {
  for (const Section& s : sections)
    if (std::strcmp(s.name, name) == 0) return &s;
  return nullptr;
}

}  // namespace

int run_sections(int argc, char** argv, const std::vector<Section>& sections) {
  bool known = argc > 1;
  for (int i = 2; i < argc; ++i) known = known && find(sections, argv[i]);
  if (!known) {
    std::fprintf(stderr, "usage: %s FOLDER [SECTION...]\nsections:", argv[0]);
    for (const Section& s : sections) std::fprintf(stderr, " %s", s.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  try {
    folder = argv[1];
    std::filesystem::create_directories(folder);
    for (const Section& s : sections) {
      if (argc > 2 && std::none_of(argv + 2, argv + argc, [&](char* name) { return std::strcmp(name, s.name) == 0; }))
        continue;
      std::printf("== %s\n", s.name);
      s.run();
      std::fflush(stdout);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: error: %s\n", argv[0], error.what());
    return 1;
  }
}

std::string figure(const std::string& name) { return (std::filesystem::path(folder) / name).string(); }

void write_figure(const std::string& name, const std::string& text) { write_whole_file(figure(name), text); }

double best_seconds(const std::function<void()>& f, double seconds) {
  double best = 0, total = 0;
  for (int run = 0; run < 3 || total < seconds; ++run) {
    const double start = now_seconds();
    f();
    const double took = now_seconds() - start;
    total += took;
    best = run == 0 ? took : std::min(best, took);
  }
  return best;
}

}  // namespace fu::book
