// Layers one after another.
#pragma once

#include <memory>

#include "layers/module.h"

namespace fu {

/// Children are named by their place, "0", "1", ..., as PyTorch names them: layers without parameters count too.
class Sequential : public Layer {
 public:
  /// Appends a layer and returns it.
  template <class L, class... Args>
  L& push(Args&&... args) {
    auto layer = std::make_unique<L>(std::forward<Args>(args)...);
    L& added = *layer;
    add(std::to_string(layers_.size()), added);
    layers_.push_back(std::move(layer));
    return added;
  }
  Var operator()(const Var& x) const override {
    Var y = x;
    for (const auto& layer : layers_) y = (*layer)(y);
    return y;
  }

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace fu
