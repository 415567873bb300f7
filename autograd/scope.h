// Names for the parts of a computation: a traced tape sorts its ops by them, so that a graph can be drawn layer by
// layer.
#pragma once

#include <cstdint>
#include <string>

namespace fu {

/// What a traced tape does for a NameScope. Pointers, because a call by name would link the tape into every program
/// that has layers.
struct ScopeFunctions {
  /// Opens a scope on the tape that records; gives the number of that tape, and of the scope there.
  void (*enter)(const char* name, std::uint64_t& tape, int& scope);
  void (*leave)(std::uint64_t tape, int scope);
};

/// Null unless the tape that records on this thread is traced. The tape keeps it up to date.
inline thread_local const ScopeFunctions* scope_functions = nullptr;

/// What is recorded while it lives belongs to a part of that name, inside the parts that are open already:
/// @code
/// Tape tape;
/// tape.trace();
/// Var y = tape.watch(Tensor::full({2, 3}, 1));
/// {
///   const NameScope scope("attention");
///   y = softmax(y, -1);
/// }
/// assert(tape.summary().find("attention") != std::string::npos);
/// @endcode
/// Layers open one with the name that they were registered with. cost: one look at a variable of the thread, unless the
/// tape is traced.
class NameScope {
 public:
  /// An empty name opens no scope. The text is copied.
  explicit NameScope(const char* name) {
    if (scope_functions && *name) enter(name);
  }
  explicit NameScope(const std::string& name) : NameScope(name.c_str()) {}
  ~NameScope() {
    if (functions_) functions_->leave(tape_, scope_);
  }
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  void enter(const char* name) {
    functions_ = scope_functions;
    functions_->enter(name, tape_, scope_);
  }

  const ScopeFunctions* functions_ = nullptr;
  std::uint64_t tape_ = 0;  // by number: the tape may end before the scope does
  int scope_ = -1;
};

}  // namespace fu
