#include "core/isa.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/kernels/targets/cpu.h"

namespace fu {

const Kernels& kernels_reference();  // core/kernels/reference/table.cpp

// kernel_targets.def is made from core/kernels/targets/targets.cmake: FU_TARGET(name, condition) for each target that
// this build compiles. core/kernels/table.cpp defines table() in the namespace of each.
#define FU_TARGET(name, condition) \
  namespace name {                 \
  const Kernels& table();          \
  }
#include "kernel_targets.def"
#undef FU_TARGET

namespace {

/// Tables that this processor runs, and names of those that it does not.
struct Tables {
  std::vector<const Kernels*> available;
  std::vector<std::string> missing;
  Tables() {
    available.push_back(&kernels_reference());
#define FU_TARGET(name, condition)       \
  if (condition)                         \
    available.push_back(&name::table()); \
  else                                   \
    missing.emplace_back(#name);
#include "kernel_targets.def"
#undef FU_TARGET
  }
};

}  // namespace

std::vector<const Kernels*> all_kernels() { return Tables().available; }
std::vector<std::string> missing_kernels() { return Tables().missing; }

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
  return list.back();
}

const Kernels*& current() {
  static const Kernels* table = choose();
  return table;
}

}  // namespace

const Kernels& kernels() { return *current(); }
void use_kernels(const Kernels& table) { current() = &table; }

}  // namespace fu
