// Memory that is kept for reuse outside of the pool.
#pragma once

namespace fu {

/// From now on trim_pool() calls `give_back` too, on its thread, which frees what is kept. For at most 4 functions,
/// each given once, that stay callable until the program ends.
void at_trim(void (*give_back)() noexcept);

}  // namespace fu
