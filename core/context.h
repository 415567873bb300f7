// Limits for some threads of a process, beside those for all of it: two models in one program, or a library inside of a
// program that uses this one too.
#pragma once

namespace fu {

struct ContextState;

/// A number of threads, a memory limit, and freed memory that is kept, of its own. In a thread that is in a context,
/// threads(), set_threads() and the functions of core/pool.h are about that context. Its memory counts against the
/// limit of the process too. Any number of threads may be in one.
///
/// Tensors are valid everywhere. One that was made in a context counts there, and goes back there, wherever it is
/// freed. cost: some 100 ns for each tensor that is made in a context; nothing in none.
class Context {
 public:
  /// No limits; threads as the process has them.
  Context();
  /// Gives back what is kept. Threads that are still inside keep its limits, and tensors of it stay valid.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  friend class InContext;
  friend void use_context(const Context* context);
  ContextState* state_;
};

/// While it lives, the calling thread is in the context. They may be nested.
class InContext {
 public:
  /// The thread is in it from here on.
  explicit InContext(const Context& context);
  ~InContext();
  InContext(const InContext&) = delete;
  InContext& operator=(const InContext&) = delete;

 private:
  ContextState* before_;
};

/// The same without an end: the calling thread is in the context until the next call; null: in none.
void use_context(const Context* context);

}  // namespace fu
