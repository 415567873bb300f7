// What the two ways of running a parallel loop share. Only core/parallel*.cpp include this.
#pragma once

#include <atomic>
#include <exception>

#include "core/base.h"
#include "core/context_state.h"

namespace fu {

constexpr int kMaxThreads = 1024;

/// A loop under way. It lives on the stack of the thread that called it.
struct ParallelLoop {
  Index chunks;
  int workers;  // at least 2
  void (*body)(void* context, Index chunk, int worker);
  void* context;

  std::atomic<Index> next{0};  // the first chunk that nobody has taken
  std::atomic<bool> failed{false};
  std::exception_ptr error{};                // written by whoever sets `failed`
  ContextState* limits = current_context();  // of the caller: all that work on the loop are in it

  /// Takes one chunk after another until none is left. Small pieces, so that a thread that the system has taken off its
  /// core holds up the loop by one chunk only. Never throws: an exception that leaves a thread ends the program.
  void work(int worker) noexcept;
};

/// Number of threads where nobody has set one.
int default_threads();
/// Whether the calling thread is already part of a team that is not ours: its loops then run serially.
bool inside_foreign_team();
/// Calls loop.work(worker) on the calling thread and on up to loop.workers - 1 others, with different worker numbers.
/// Returns when all of them have returned.
void run_with_team(ParallelLoop& loop);

}  // namespace fu
