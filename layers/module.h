// What a network is made of: named parameters, and modules inside modules. Names joined by dots are those of the
// published checkpoints, so that loading and saving are one call each.
//
// A layer is a module with a function
//
//     template <class X>
//     X operator()(const X& x) const;
//
// where X is Tensor for inference or Var for training. Its forward pass is written once: it reads its parameters by
// as<X>(parameter) and calls ops by their names, which both types have (core/ops.h, autograd/ops.h). A program that
// only uses it with Tensors links no tape. A file that uses it with Vars includes autograd/ops.h.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autograd/parameter.h"
#include "autograd/scope.h"
#include "core/files/weights.h"
#include "core/ops.h"
#include "core/random.h"

namespace fu {

/// The layout of a parameter in PyTorch's files.
enum class FileLayout {
  same,
  matrix_as_conv,  // (out,in) here, (out,in,1,1) there: a 1x1 convolution is a linear layer on pixels
  conv,            // (out,kH,kW,in) here, (out,in,kH,kW) there
  depthwise,       // (kH,kW,C) here, (C,1,kH,kW) there
};

/// Named parameters, and modules inside. It is neither copied nor moved, since optimizers know parameters by their
/// address.
/// @code
/// struct Residual : Module {
///   explicit Residual(Random* random) : inner(8, 8, random) { add("inner", inner); }
///   Var operator()(const Var& x) const { return x + relu(inner(x)); }
///   Linear inner;
/// };
/// Random random(1);
/// Residual block(&random);
/// block.visit([](const std::string& name, const Parameter&, FileLayout) { assert(name.find("inner.") == 0); });
/// assert(block.parameter_count() == 8 * 8 + 8);
/// @endcode
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Every parameter with its full name, children after their parents' own, in the order in which they were registered.
  void visit(const std::function<void(const std::string& name, Parameter& parameter, FileLayout layout)>& f,
             const std::string& prefix = "");
  /// The same without their names: what an optimizer takes.
  std::vector<Parameter*> parameters();
  /// The name under which it was registered in its parent; empty if it has none. Layers open a NameScope of it.
  const std::string& registered_name() const { return registered_name_; }
  /// How many numbers all parameters have.
  Index parameter_count();

  /// Gives the values of the parameter of that name. `shape` is the one that it has in PyTorch's files.
  using Reader = std::function<Tensor(const std::string& name, const Shape& shape)>;
  /// Says in which type the layer may keep the parameter of that name.
  using NarrowTypes = std::function<NarrowType(const std::string& name)>;
  /// Reads every parameter. For inference, `types` lets layers keep their weights in narrow types: those are rounded
  /// and packed one by one, as they are read, and their layers must be packed afterwards.
  void load(const Reader& read, const NarrowTypes& types = {});
  /// Reads every parameter as prefix + name. Throws FileError naming the tensor that is missing or of the wrong shape.
  void load(const Weights& weights, const std::string& prefix = "");
  /// Adds every parameter to `tensors`, laid out as PyTorch's files are: what load() reads.
  void save(std::map<std::string, Tensor>& tensors, const std::string& prefix = "");

  /// Training: dropout draws from `random`, which must live until eval(). Evaluation, the state at first: no dropout.
  virtual void train(Random& random);
  /// Evaluation, of all modules inside too.
  virtual void eval();
  /// Whether parameters are learned, or constants; buffers are always constants. Throws UsageError for layers packed
  /// for inference, as load() and save() do.
  void set_trainable(bool trainable);

 protected:
  /// Registration, in constructors. The parameter or module must be a member, or owned by one.
  /// narrow: where the layer can keep the parameter in a narrow type, as rows of a matrix; null: it cannot.
  void add(const std::string& name, Parameter& parameter, FileLayout layout = FileLayout::same,
           NarrowMatrix* narrow = nullptr);
  void add(const std::string& name, Module& child);

 private:
  struct Entry {
    std::string name;
    Parameter* parameter;
    FileLayout layout;
    NarrowMatrix* narrow;
  };
  void visit_entries(const std::function<void(const std::string& name, const Entry& entry)>& f,
                     const std::string& prefix);
  std::vector<Entry> own_;
  std::vector<std::pair<std::string, Module*>> children_;
  std::string registered_name_;
};

/// A layer's weight (out,..), or the narrow one in its place, packed for inference with each output multiplied by
/// `scale` (out) where it is given. `narrow` is empty afterwards.
PackedLinear pack_weight(const Tensor& weight, NarrowMatrix& narrow, const Tensor& scale, const Tensor& bias);

/// Values uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for linear and convolution layers, weights
/// and biases alike. Without `random`, undefined: layers that will be loaded take null.
Tensor uniform_fan_in(const Shape& shape, Index fan_in, Random* random);

}  // namespace fu
