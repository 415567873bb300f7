// Every kernel of every instruction set against its definition, with one thread and with three, which must agree to the
// bit.
#include "tests/core/kernels/kernel_cases.h"

using namespace fu;
using namespace fu::test;

namespace {

/// A table whose entry MEMBER counts its calls and passes them on.
template <auto MEMBER, class R, class... A>
struct Counted {
  static inline const Kernels* table = nullptr;
  static inline int calls = 0;
  static R call(A... arguments) {
    ++calls;
    return (table->*MEMBER)(arguments...);
  }
};
template <auto MEMBER, class R, class... A>
Kernels counted(const Kernels& table, R (*)(A...), int*& calls) {
  using Count = Counted<MEMBER, R, A...>;
  Count::table = &table;
  Count::calls = 0;
  calls = &Count::calls;
  Kernels copy = table;
  copy.*MEMBER = Count::call;
  return copy;
}

/// Runs the cases of a kernel with every table, and checks that they call it.
template <auto MEMBER>
void check(const std::string& kernel, void (*make_cases)(KernelCases&)) {
  CAPTURE(kernel);
  KernelCases cases;
  make_cases(cases);
  CHECK(!cases.all.empty());
  const auto tables = all_kernels();
  for (const KernelCase& c : cases.all) {
    CAPTURE(c.name);
    const Tensor expected = c.run(*tables.front());
    for (const Kernels* table : tables) {
      CAPTURE(std::string(table->isa));
      int* calls = nullptr;
      const Kernels counting = counted<MEMBER>(*table, table->*MEMBER, calls);
      Tensor one, three;
      {
        const WithThreads n(1);
        one = c.run(counting);
      }
      {
        const WithThreads n(3);
        three = c.run(counting);
      }
      CHECK(*calls >= 2);
      CHECK(relative_error(one, expected) <= c.tolerance);
      CHECK(same_bits(one, three));
    }
  }
}

}  // namespace

TEST_CASE("kernels: every kernel against its definition") {
  say_missing_kernels();
#define FU_KERNEL(result, name, arguments) check<&Kernels::name>(#name, kernel_cases_##name);
#define FU_KERNEL_SIZE(name, arguments)
#include "core/kernels/kernels.def"
}
