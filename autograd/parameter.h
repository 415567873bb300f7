// Parameters: tensors that are learned. They know nothing of how gradients are computed, so that a program which only
// runs a network links no tape: tape.h adds what records them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/tensor.h"

namespace fu {

/// A tensor that is learned. Its address is its identity: it is neither copied nor moved, and must outlive the tapes
/// that record it. Using a const one in a computation, and collecting its gradient, does not count as writing it. Only
/// one thread at a time may record it.
struct Parameter {
  Parameter() = default;
  /// Without a gradient.
  explicit Parameter(Tensor initial) : value(std::move(initial)) {}
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;
  ~Parameter() {
    if (forget_) forget_(*this);
  }

  Tensor value;           // of any shape
  mutable Tensor grad;    // backward() adds gradients here; of size 0 until there is one
  bool trainable = true;  // else it is a constant
  bool buffer = false;    // statistics: kept in files with the others, but never learned
  bool packed = false;    // its value has moved into a layer packed for inference
  std::string name;       // within its module, for messages
  /// How often the value was replaced or touched: backward() refuses what was recorded with an older one.
  std::uint64_t version = 0;

  /// Forgets the gradient: the next one begins at zero.
  void zero_grad() const { grad = Tensor(); }
  /// Whether backward() has given it a gradient since then.
  bool has_grad() const { return grad.shape() == value.shape() && (grad.size() > 0 || value.size() == 0); }
  /// Replaces the value. What was recorded with the old one cannot run backward any more.
  void set(Tensor v) {
    value = std::move(v);
    if (grad.shape() != value.shape()) grad = Tensor();
    ++version;
  }
  /// Tells that the value was written in place: as set().
  void touch() { ++version; }

 private:
  friend class Tape;
  mutable std::uint64_t tape_ = 0;  // the tape that last recorded it, and as which node
  mutable int node_ = -1;
  // Set by the tape that records it: tells that tape that the parameter is gone. A pointer, because a call by name
  // would link the tape into every program that has parameters.
  mutable void (*forget_)(const Parameter&) = nullptr;
};

/// Whether a tape records on this thread. Tape and NoRecording keep it up to date.
inline thread_local bool tape_records = false;

// The forward pass of a layer is written once, as a template over the type X of its values: Tensor for inference, Var
// for training. These functions are what differs; tape.h has those for Var.

/// A parameter as a value of type X.
template <class X>
X as(const Parameter& parameter);

/// throws UsageError where a tape records and the parameter is trainable: the result would have no gradient, and nobody
/// would notice.
template <>
inline Tensor as<Tensor>(const Parameter& parameter) {
  require<UsageError>(
      !tape_records || !parameter.trainable, "[parameter] '", parameter.name, "' ", parameter.value.shape(),
      " is used with a plain tensor while a tape records, so it would get no gradient. Give the layer a "
      "Var, or make a NoRecording first.");
  return parameter.value;
}

/// The value, for a kernel that has no backward.
inline const Tensor& untracked(const char*, const Tensor& x) { return x; }

/// x itself if its memory may be overwritten with a result, because nobody else needs it; else null.
inline Tensor* reusable(Tensor& x) { return x.unique() ? &x : nullptr; }

}  // namespace fu
