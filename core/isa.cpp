#include "core/isa.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"

namespace fu {

// One per instruction set that the build compiles; each is defined in core/kernels/table.cpp or reference.cpp.
const Kernels& kernels_reference();
namespace baseline {
const Kernels& table();
}
#ifdef FU_HAVE_X86_KERNELS
namespace avx2 {
const Kernels& table();
}
namespace avx512 {
const Kernels& table();
}
#endif
#ifdef FU_HAVE_WIDE_KERNELS
namespace wide {
const Kernels& table();
}
#endif

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> list{&kernels_reference(), &baseline::table()};
#ifdef FU_HAVE_X86_KERNELS
  // The compiler's own check also asks the operating system whether it saves the wide registers.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    list.push_back(&avx2::table());
#ifdef FU_HAVE_WIDE_KERNELS
    list.push_back(&wide::table());
#endif
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      list.push_back(&avx512::table());
  }
#endif
  return list;
}

namespace {

const Kernels* choose() {
  const auto list = all_kernels();
  const char* wanted = std::getenv("FU_ISA");
  if (wanted && *wanted) {
    std::string names;
    for (const Kernels* k : list) {
      if (std::strcmp(k->isa, wanted) == 0) return k;
      names += names.empty() ? k->isa : std::string(", ") + k->isa;
    }
    throw UsageError(std::string("[FU_ISA] '") + wanted +
                     "' is not an instruction set that this program and processor have: " + names +
                     ". Name one of these, or unset FU_ISA.");
  }
  const Kernels* best = list.back();
  for (const Kernels* k : list)
    if (std::strcmp(k->isa, "wide") != 0) best = k;  // "wide" only emulates long vectors, for tests
  return best;
}

const Kernels*& current() {
  static const Kernels* table = choose();
  return table;
}

}  // namespace

const Kernels& kernels() { return *current(); }
void use_kernels(const Kernels& table) { current() = &table; }

}  // namespace fu
