// Reverse-mode automatic differentiation: a list of the ops that were computed, walked backwards.
//
// An op computes its result. If one of its inputs is tracked, it also adds a node to the tape: the numbers of the nodes
// that it read, and a function that turns the gradient of its result into theirs. Nodes are added in the order of
// computation, so a walk from the end of the list visits every node after all nodes that read it. README.md goes
// through an example.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/parameter.h"
#include "autograd/scope.h"
#include "core/pool.h"
#include "core/tensor.h"

namespace fu {

class Tape;

/// A value in a computation: a tensor, and its node on a tape if it is tracked. Copies are cheap.
struct Var {
  Var() = default;
  /// A constant.
  Var(Tensor v) : value(std::move(v)) {}
  /// A parameter: tracked if this thread is recording and the parameter is trainable, else a constant.
  Var(const Parameter& parameter);

  Tensor value;  // of any shape; not to be written
  /// The number of its tape; 0 for a constant. No pointer: the value may be kept longer than the tape.
  std::uint64_t tape = 0;
  int id = -1;  // its node there

  /// Whether it has a gradient to get: it is on a tape.
  bool tracked() const { return tape != 0; }
  const Shape& shape() const { return value.shape(); }
  Index dim(int axis) const { return value.dim(axis); }
  int rank() const { return value.rank(); }
  Index size() const { return value.size(); }
  /// The same value as a constant: the only way to cut a gradient.
  Var detach() const { return Var(value); }
};

/// The argument of a backward function: the gradient of its op's result, and a place for the gradients of its inputs.
class Gradient {
 public:
  const Tensor& dy;  // of the shape of the result

  /// Whether input i is tracked. If not, its gradient need not be computed.
  bool wants(int i) const;
  /// Adds to the gradient of input i. dx may have the shape that the input was broadcast to: it is summed back.
  void add(int i, Tensor dx) const;
  /// The gradient of input i itself, for kernels that add to it. If `fresh` becomes true, its memory is undefined, and
  /// the kernel must fill it. Call set() with it afterwards.
  Tensor target(int i, bool& fresh) const;
  /// Gives back what target() gave.
  void set(int i, Tensor gradient) const;

 private:
  friend class Checkpoint;
  friend class Tape;
  Gradient(const Tensor& gradient, Tape& tape, int node) : dy(gradient), tape_(tape), node_(node) {}
  Tape& tape_;
  int node_;
};

/// What Tape::trace() keeps.
struct TraceOptions {
  /// During backward(), the Euclidean norm of every gradient when it is complete. Gradients are freed at once, so they
  /// cannot be looked at later. Costs one pass over each.
  bool gradient_norms = false;
};

/// How Tape::dot() draws.
struct DotOptions {
  /// Whether parameters are drawn.
  bool parameters = true;
  /// Scopes inside this many others are drawn as one box each; 0: also those that are inside none. -1: all are open.
  int depth = -1;
};

/// Records on this thread from its construction to its end. While a second tape lives inside it, that one records.
/// A training step is { Tape tape; loss = ...; backward(loss); }. Nodes and saved tensors are freed at the end of the
/// scope, and the next step uses their memory again, so it allocates nothing. If backward throws (out of memory, say),
/// gradients are incomplete: set them to zero. A tape belongs to the thread that made it.
/// @code
/// Parameter w(Tensor::full({3}, 2));
/// Tape tape;
/// const Var loss = sum(square(Var(w)));  // 12
/// backward(loss);
/// assert(w.grad.data()[0] == 4);         // 2 w
/// @endcode
class Tape {
 public:
  /// Begins to record on this thread, in the memory of an earlier tape where there was one.
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  /// The tape that records on this thread, or null.
  static Tape* current();
  /// The tape of that number, if it lives and belongs to this thread; else null.
  static Tape* find(std::uint64_t number);

  /// A tracked input that is no parameter; gradient() gives its gradient after backward().
  /// @code
  /// Tape tape;
  /// const Var x = tape.watch(Tensor::from({2}, {1, 3}));
  /// backward(sum(x * x));
  /// assert(tape.gradient(x).data()[1] == 6);
  /// @endcode
  Var watch(const Tensor& value);
  /// Zeros if the loss does not depend on it. Throws UsageError before backward(), or if the Var was not made by
  /// watch() on this tape.
  Tensor gradient(const Var& watched) const;

  /// Runs from `y` back to the parameters and watched inputs, with dy as the gradient of y. Throws UsageError if it has
  /// run already.
  void backward(const Var& y, const Tensor& dy);

  /// From here on, the tape keeps for dot() and summary() to which NameScopes an op belongs and, during backward(), how
  /// many bytes it had saved. A scope that is open already is not seen. cost: some 50 bytes a node, and heap memory; a
  /// tape that is not traced pays for one comparison a node.
  void trace(const TraceOptions& options = {});
  /// The graph in the language of Graphviz (`dot -Tsvg`): a box for every op with the shape and bytes of its result,
  /// and the norm of its gradient where that is known; ellipses are parameters; a frame around every scope. Constants
  /// are not part of it.
  /// @code
  /// Tape tape;
  /// tape.trace();
  /// const Var y = exp(tape.watch(Tensor::full({2, 3}, 1)));
  /// assert(tape.dot().find("exp") != std::string::npos);  // write it to a file: dot -Tsvg file.dot
  /// @endcode
  std::string dot(const DotOptions& options = {}) const;
  /// A table for people: for every scope and op, how many there are, the bytes of their results, the bytes that they
  /// saved for backward ("-" before it has run), and the largest norm of a gradient. Bytes that several ops saved count
  /// once, for the first of them. A result in the memory of an input counts 0 bytes.
  std::string summary() const;

  /// Calls f once during backward(), when the gradient of x is complete; what f assigns to its argument, of the same
  /// shape, takes the gradient's place. Several functions of one value are called in the order in which they were
  /// given. Of a parameter, f sees what this tape adds. f is not called if the loss does not depend on x. throws
  /// UsageError for a value that is not recorded on this tape, or after backward().
  /// @code
  /// Tape tape;
  /// const Var x = tape.watch(Tensor::full({2}, 3));
  /// tape.on_gradient(x, [](Tensor& gradient) { gradient = unary(Unary::clamp_max, gradient, 1); });
  /// backward(sum(square(x)));                  // would be 6
  /// assert(tape.gradient(x).data()[0] == 1);
  /// @endcode
  void on_gradient(const Var& x, std::function<void(Tensor& gradient)> f);

  /// Whether backward() has run.
  bool ran() const { return ran_; }
  std::uint64_t number() const { return number_; }
  Index nodes() const { return static_cast<Index>(storage_->nodes.size()); }

 private:
  friend class Checkpoint;
  friend class Gradient;
  friend class NoRecording;
  friend struct Var;
  template <class F>
  friend Var record(const char* op, std::initializer_list<Var> inputs, Tensor y, F backward);
  template <class F>
  friend Var record(const char* op, const Var* inputs, std::size_t count, Tensor y, F backward);

  /// A backward function with what it saved, somewhere in the arena.
  struct Closure {
    void (*run)(Closure*, const Gradient&);
    void (*destroy)(Closure*);
  };
  template <class F>
  struct ClosureOf : Closure {
    F f;
    explicit ClosureOf(F&& function) : f(std::move(function)) {
      run = [](Closure* c, const Gradient& g) { static_cast<ClosureOf*>(c)->f(g); };
      destroy = [](Closure* c) { static_cast<ClosureOf*>(c)->~ClosureOf(); };
    }
  };
  struct Node {
    const char* op;
    Shape shape;                 // of its result
    Closure* closure;            // null for leaves
    const Parameter* parameter;  // null but for leaves that are parameters
    std::uint64_t version;       // of the parameter when it was recorded
    int first_input, inputs;     // in Storage::inputs
    bool has_grad;
    Tensor grad;
  };
  /// A parameter's node, and what it was on the tapes before: there it is known again when this tape has ended.
  struct Recorded {
    int node;
    int before_node;
    std::uint64_t before_tape;
  };
  /// Memory that one tape hands to the next, so that a training loop stops allocating.
  struct Storage {
    std::vector<Node> nodes;
    std::vector<int> inputs;  // node numbers, -1 for constants
    std::vector<Recorded> parameters;
    std::vector<char*> blocks;  // the arena
    std::size_t block = 0, used = 0;
    ~Storage();
  };

  struct Hooks;    // hooks.h
  struct Trace;    // trace.h
  struct Drawing;  // dot.cpp

  static PoolVector<Storage*>& spare();
  static void follow_newest();
  static void enter_scope(const char* name, std::uint64_t& tape, int& scope);
  static void leave_scope(std::uint64_t tape, int scope);
  static void forget(const Parameter& parameter);
  Var leaf(const Tensor& value, const Parameter* parameter);
  void* allocate(std::size_t bytes);
  int add_node(const char* op, const Tensor& result, const Var* inputs, std::size_t count, Closure* closure);
  void begin_hooks();
  void run_hooks(int node);
  void end_hooks();
  void note_node(const Tensor& result, const Var* inputs, std::size_t count);
  void note_gradient(int node);
  void note_saved(int node, std::size_t live_before);
  void free_closure(int node);
  void accumulate(int node, Tensor dx);
  Tensor& slot(int node);

  template <class F>
  Var record_on(const char* op, const Var* inputs, std::size_t count, Tensor y, F&& f) {
    using C = ClosureOf<F>;
    static_assert(alignof(C) <= alignof(std::max_align_t), "the arena is aligned for everything usual");
    Var result(std::move(y));
    Closure* closure = new (allocate(sizeof(C))) C(std::forward<F>(f));
    result.tape = number_;
    result.id = add_node(op, result.value, inputs, count, closure);
    return result;
  }

  Storage* storage_;
  std::unique_ptr<Hooks> hooks_;              // null unless on_gradient() was called
  std::unique_ptr<Trace> trace_;              // null unless trace() was called
  std::uint64_t number_;                      // unique in the process
  Tape *newer_ = nullptr, *older_ = nullptr;  // the living tapes of this thread
  bool ran_ = false;
};

/// While it lives, this thread records no parameters: they are constants.
/// @code
/// Parameter w(Tensor::full({3}, 2));
/// Tape tape;
/// {
///   const NoRecording values_alone;
///   assert(!Var(w).tracked());
/// }
/// assert(Var(w).tracked());
/// @endcode
class NoRecording {
 public:
  NoRecording();
  ~NoRecording();
  NoRecording(const NoRecording&) = delete;
  NoRecording& operator=(const NoRecording&) = delete;

 private:
  std::uint64_t before_;
};

/// The tape on which the result of an op on these inputs belongs; null if none of them is tracked. Throws UsageError if
/// they are on different tapes, or on one that has run backward.
Tape* tape_of(const char* op, const Var* inputs, std::size_t count);

/// Returns y as the result of an op on these inputs. If one of them is tracked, `backward`, a function of (const
/// Gradient&), is recorded with all that it captured; else it is dropped. This is how every op is made, and one of your
/// own:
/// @code
/// const auto twice = [](const Var& x) {
///   return record("twice", {x}, unary(Unary::affine, x.value, 2),
///                 [](const Gradient& g) { g.add(0, unary(Unary::affine, g.dy, 2)); });
/// };
/// Tape tape;
/// const Var x = tape.watch(Tensor::full({3}, 1));
/// backward(sum(twice(x)));
/// assert(tape.gradient(x).data()[0] == 2);
/// @endcode
template <class F>
Var record(const char* op, std::initializer_list<Var> inputs, Tensor y, F backward) {
  Tape* tape = tape_of(op, inputs.begin(), inputs.size());
  if (!tape) return Var(std::move(y));
  return tape->record_on(op, inputs.begin(), inputs.size(), std::move(y), std::move(backward));
}
template <class F>
Var record(const char* op, const Var* inputs, std::size_t count, Tensor y, F backward) {
  Tape* tape = tape_of(op, inputs, count);
  if (!tape) return Var(std::move(y));
  return tape->record_on(op, inputs, count, std::move(y), std::move(backward));
}

/// The value, for a kernel that has no backward pass. Throws UsageError, naming `op`, if x is tracked, because its
/// gradient would be lost.
const Tensor& untracked(const char* op, const Var& x);

/// A parameter as a value of the computation: Var(parameter).
template <>
inline Var as<Var>(const Parameter& parameter) {
  return Var(parameter);
}

/// The tensor of x if its memory may be overwritten with a result, because nobody else needs it; else null.
inline Tensor* reusable(Var& x) { return !x.tracked() && x.value.unique() ? &x.value : nullptr; }

/// Gradients of a scalar, added to the parameters it depends on.
void backward(const Var& loss);
/// The same for any y, given the gradient with respect to it.
void backward(const Var& y, const Tensor& dy);

}  // namespace fu
