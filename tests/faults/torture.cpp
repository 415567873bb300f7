// What faults of the machine do to the program: memory that is not there, calls of the system that fail, signals,
// neighbours, clocks, limits. One line for each part; exit code 1 if something was found, 77 if it cannot be tried
// here.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>

#include "tests/faults/workplace.h"

namespace {

using namespace fu::faults;

constexpr struct {
  const char* name;
  void (*torture)(Workplace&, Tally&);
} kParts[] = {{"memory", torture_memory},   {"calls", torture_calls}, {"kills", torture_kills},
              {"writers", torture_writers}, {"clock", torture_clock}, {"limits", torture_limits}};

constexpr int kSkipped = 77;

int usage() {
  std::fprintf(stderr, "usage: featup_torture [--quick] [--kills N] [--seed N] PICTURES [PART...]\nparts:");
  for (const auto& part : kParts) std::fprintf(stderr, " %s", part.name);
  std::fprintf(stderr, "\n");
  return 2;
}

/// Returns the first argument that is none of the options; 0: they are wrong.
int read_options(int argc, char** argv, Options& options) {
  int at = 1;
  for (; at < argc && std::strncmp(argv[at], "--", 2) == 0; ++at) {
    if (std::strcmp(argv[at], "--quick") == 0)
      options.quick = true;
    else if (std::strcmp(argv[at], "--kills") == 0 && at + 1 < argc)
      options.kills = std::atoi(argv[++at]);
    else if (std::strcmp(argv[at], "--seed") == 0 && at + 1 < argc)
      options.seed = static_cast<unsigned>(std::atoi(argv[++at]));
    else
      return 0;
  }
  return at < argc ? at : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const int first = read_options(argc, argv, options);
  if (first == 0) return usage();
  const auto here = std::filesystem::canonical("/proc/self/exe").parent_path();
  options.programs = here.string(), options.shim = (here / "libfeatup_faults.so").string(),
  options.pictures = argv[first];
  for (int i = first + 1; i < argc; ++i)
    if (std::none_of(std::begin(kParts), std::end(kParts),
                     [&](const auto& p) { return std::strcmp(argv[i], p.name) == 0; }))
      return usage();
  bool fine = true;
  try {
    for (const auto& part : kParts) {
      bool wanted = first + 1 == argc;
      for (int i = first + 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], part.name) == 0;
      if (!wanted) continue;
      Workplace place(options);
      if (!place.shim_works()) {
        std::printf("skipped: no shim can be preloaded here\n");
        return kSkipped;
      }
      Tally tally(part.name);
      part.torture(place, tally);
      fine = tally.finish() && fine;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "torture: %s\n", error.what());
    return 1;
  }
  return fine ? 0 : 1;
}
