// Runs targets without libFuzzer, with any compiler.
//
//   featup_fuzz CORPUS [RUNS]    every target on the files of CORPUS/TARGET, and on RUNS changed ones (1000)
//   featup_fuzz TARGET FILE...   one target on these files: for a finding
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/changes.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: featup_fuzz CORPUS [RUNS], or featup_fuzz TARGET FILE...\n");
    return 2;
  }
  if (const fu::fuzz::Target* target = fu::fuzz::find_target(argv[1])) {
    std::vector<fu::fuzz::Bytes> files;
    for (int i = 2; i < argc; ++i) files.push_back(fu::fuzz::read_file(argv[i]));
    fu::fuzz::run_changed(*target, files, 0);
    return 0;
  }
  const int runs = argc > 2 ? std::atoi(argv[2]) : 1000;
  for (const fu::fuzz::Target& target : fu::fuzz::targets()) {
    const auto seeds = fu::fuzz::read_folder(std::string(argv[1]) + "/" + target.name);
    fu::fuzz::run_changed(target, seeds, runs);
    std::printf("%-14s %zu files, %d changed ones\n", target.name, seeds.size(), runs);
    std::fflush(stdout);
  }
  return 0;
}
