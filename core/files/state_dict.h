// Where the named tensors stand among the values of a pickle.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/files/pickle.h"

namespace fu {

struct StateDict {
  std::string root;                                        // "model", "model.teacher"; empty: the top
  std::vector<std::pair<std::string, PickleRef>> tensors;  // name -> a value of kind tensor, in the file's order
};

/// Finds the dictionary of tensors, in this order:
///   1. under one of the root keys state_dict, model, teacher, student, model_state_dict, encoder, target_encoder,
///      backbone, ema, params: the first of them that holds tensors, and in it once more;
///   2. the object itself, if it holds tensors directly;
///   3. tensors in dictionaries inside of it, and in TorchScript's modules: their keys joined by dots.
/// A tensor alone gets the name "tensor". Root keys come first, because many trainings save a tensor such as the best
/// accuracy beside the state_dict. Values that are no tensors are left out. throws FileError if there is no tensor, and
/// if one of the tensors is built by a function that is not known: it could be anything. path: for messages.
StateDict find_state_dict(const Pickle& pickle, const std::string& path);

}  // namespace fu
