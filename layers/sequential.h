// Layers one after another.
#pragma once

#include <memory>

#include "autograd/ops.h"
#include "layers/module.h"

namespace fu {

/// Children are named by their place, "0", "1", ..., as PyTorch names them: layers without parameters count too.
///
/// @code
/// Random random(1);
/// Sequential net;
/// net.push<Linear>(2, 16, &random);
/// net.push<Elementwise>(Unary::relu);
/// net.push<Linear>(16, 1, &random);
/// assert(net(random.normal({5, 2})).shape() == Shape({5, 1}));
/// @endcode
/// It holds both forward passes of every layer, for Tensor and for Var, so a program that builds one links the tape.
class Sequential : public Module {
 public:
  /// Appends a layer and returns it.
  template <class L, class... Args>
  L& push(Args&&... args) {
    auto layer = std::make_unique<L>(std::forward<Args>(args)...);
    L& added = *layer;
    add(std::to_string(layers_.size()), added);
    layers_.push_back({std::move(layer), run<L, Tensor>, run<L, Var>});
    return added;
  }
  /// Through all layers, in their order.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    X y = x;
    for (const Entry& layer : layers_) y = layer.on(y);
    return y;
  }

 private:
  template <class L, class X>
  static X run(const Module& layer, const X& x) {
    return static_cast<const L&>(layer)(x);
  }
  struct Entry {
    std::unique_ptr<Module> layer;
    Tensor (*on_tensor)(const Module&, const Tensor&);
    Var (*on_var)(const Module&, const Var&);

    Tensor on(const Tensor& x) const { return on_tensor(*layer, x); }
    Var on(const Var& x) const { return on_var(*layer, x); }
  };
  std::vector<Entry> layers_;
};

}  // namespace fu
