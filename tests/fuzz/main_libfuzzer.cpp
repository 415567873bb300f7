// Entry of libFuzzer: featup_fuzz TARGET OPTIONS...  The name of the target is the first argument.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/fuzz/fuzz.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

const fu::fuzz::Target* target = nullptr;

}  // namespace

// The names and types below are libFuzzer's.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  target = *argc > 1 ? fu::fuzz::find_target((*argv)[1]) : nullptr;
  if (!target) {
    std::fprintf(stderr, "usage: featup_fuzz TARGET OPTIONS_OF_LIBFUZZER... The targets are:\n");
    for (const fu::fuzz::Target& each : fu::fuzz::targets()) std::fprintf(stderr, "  %s\n", each.name);
    std::exit(2);
  }
  // libFuzzer ignores an argument that begins with "--".
  static char ignored[] = "--target";
  (*argv)[1] = ignored;
  fu::fuzz::prepare();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  target->run(data, size);
  return 0;
}

/// Seven of eight inputs are repaired.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  const std::size_t changed = LLVMFuzzerMutate(data, size, most);
  if (seed % 8 != 0) fu::fuzz::repair(target->repair, data, changed);
  return changed;
}
