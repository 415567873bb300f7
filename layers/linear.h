// Linear layers, which do nearly all of a network's work.
#pragma once

#include "layers/module.h"

namespace fu {

/// y = x weight^T + bias over the last axis: x (..,in) -> (..,out). Parameters: weight (out,in), bias (out).
class Linear : public Layer {
 public:
  Linear(Index in, Index out, Random* random, bool bias = true, FileLayout layout = FileLayout::same);

  Var operator()(const Var& x) const override { return (*this)(x, Activation::none); }
  Var operator()(const Var& x, Activation activation) const;
  /// y + (*this)(x): a residual connection. Where nothing is tracked and nobody else holds y, in y's own memory.
  Var add_to(Var y, const Var& x) const;

  /// For inference: keeps the weights packed as the kernel wants them, and multiplied by `scale` (out) where it is
  /// given, in place of the parameters, which become constants of size 0.
  void pack(const Tensor& scale = Tensor());

  Index in() const { return in_; }
  Index out() const { return out_; }
  Parameter weight, bias;

 private:
  Index in_, out_;
  PackedLinear packed_;
};

}  // namespace fu
