// The names and shapes of a model's tensors, whatever file they are in and whatever that file calls them.
#pragma once

#include <functional>
#include <string>

#include "core/shape.h"

namespace fu {

/// Names are those of the module that will be loaded. Functions that read a model's sizes from it throw FileError
/// naming the tensor that does not fit.
struct TensorShapes {
  std::string path;  // of the file, for messages
  std::function<bool(const std::string& name)> has;
  std::function<Shape(const std::string& name)> shape;  // throws FileError if there is no such tensor
};

}  // namespace fu
