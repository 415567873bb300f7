#include "core/context_state.h"

namespace fu {

namespace {

thread_local ContextState* g_context = nullptr;

}  // namespace

ContextState* current_context() noexcept { return g_context; }

ContextState* exchange_context(ContextState* context) noexcept {
  ContextState* const before = g_context;
  g_context = context;
  return before;
}

}  // namespace fu
