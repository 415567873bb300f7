// Counts the program's heap allocations, to prove that something makes none.
#pragma once

#include <cstddef>

namespace fu::test {

/// Calls of operator new so far, by any thread.
std::size_t heap_allocations();

}  // namespace fu::test
