// The C interface: errors, and what holds for all of the process.
#include <cstdio>
#include <mutex>
#include <new>

#include "core/parallel.h"
#include "core/pool.h"
#include "featup/api/c_handles.h"
#include "featup/version.h"

namespace {

// Plain bytes: an object with a destructor would keep the shared library in memory after dlclose.
thread_local char g_error[1024] = "";

std::mutex g_log_guard;
fu_log_function g_log = nullptr;
void* g_log_user = nullptr;

void set_error(const char* text) noexcept { std::snprintf(g_error, sizeof g_error, "%s", text); }

fu_status recorded(fu_status status, const char* text) noexcept {
  set_error(text);
  return status;
}

}  // namespace

namespace fu::c {

fu_status record_error() noexcept {
  try {
    throw;
  } catch (const Cancelled&) {
    return recorded(FU_CANCELLED, "[featup_c] the progress callback cancelled the call.");
  } catch (const MemoryError& error) {
    return recorded(FU_ERROR_MEMORY, error.what());
  } catch (const std::bad_alloc&) {
    return recorded(FU_ERROR_MEMORY, "[memory] the system has no memory left. Ask for a smaller result.");
  } catch (const ShapeError& error) {
    return recorded(FU_ERROR_SHAPE, error.what());
  } catch (const FileError& error) {
    return recorded(FU_ERROR_FILE, error.what());
  } catch (const UsageError& error) {
    return recorded(FU_ERROR_USAGE, error.what());
  } catch (const std::exception& error) {
    return recorded(FU_ERROR_INTERNAL, error.what());
  } catch (...) {
    return recorded(FU_ERROR_INTERNAL, "[featup_c] an exception of an unknown type.");
  }
}

void say(fu_log_level level, const std::string& line) {
  fu_log_function log = nullptr;
  void* user = nullptr;
  {
    const std::lock_guard<std::mutex> lock(g_log_guard);
    log = g_log, user = g_log_user;
  }
  if (log && !line.empty()) log(level, line.c_str(), user);
}

void tell(const fu_progress& progress, double fraction, const char* stage) {
  if (!progress.call) return;
  const int decision = progress.call(fraction, stage, progress.user);
  if (decision != FU_CONTINUE) throw Cancelled{decision == FU_FINISH};
}

Progress progress_of(const fu_progress* progress, const char* stage, double from, double to) {
  if (!progress || !progress->call) return {};
  return [=](double f) { tell(*progress, from + (to - from) * f, stage); };
}

}  // namespace fu::c

using namespace fu::c;  // NOLINT(google-global-names-in-headers): no header

const char* fu_last_error(void) { return g_error; }

const char* fu_status_name(int status) {
  switch (status) {
    case FU_OK: return "no error";
    case FU_ERROR_USAGE: return "usage error";
    case FU_ERROR_SHAPE: return "shape error";
    case FU_ERROR_FILE: return "file error";
    case FU_ERROR_MEMORY: return "memory error";
    case FU_CANCELLED: return "cancelled";
    case FU_ERROR_INTERNAL: return "internal error";
  }
  return "unknown status";
}

const char* fu_version(void) { return fu::version(); }

fu_status fu_set_threads(int threads) {
  return guarded([&] { fu::set_threads(threads); });
}
int fu_threads(void) { return fu::threads(); }

fu_status fu_set_memory_limit(uint64_t bytes) {
  return guarded([&] { fu::set_memory_limit(bytes); });
}
fu_status fu_set_cache_limit(uint64_t bytes) {
  return guarded([&] { fu::set_cache_limit(bytes); });
}
fu_status fu_trim_cache(void) {
  return guarded([] { fu::trim_pool(); });
}
fu_status fu_memory_stats(fu_memory* memory) {
  return guarded([&] {
    const fu::PoolStats stats = fu::pool_stats();
    needed(memory, "memory") = {stats.live, stats.cached, stats.peak_live, stats.system_calls};
  });
}

fu_status fu_context_new(fu_context** context) {
  return guarded([&] {
    fu_context*& place = needed(context, "context");
    place = new fu_context;
  });
}
fu_status fu_context_use(fu_context* context) {
  return guarded([&] { fu::use_context(context ? &context->context : nullptr); });
}
void fu_context_free(fu_context* context) { delete context; }

fu_status fu_set_log(fu_log_function log, void* user) {
  return guarded([&] {
    const std::lock_guard<std::mutex> lock(g_log_guard);
    g_log = log, g_log_user = user;
  });
}
