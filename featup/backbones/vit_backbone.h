// A vision transformer as a Backbone: what the families of transformers have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/backbones/backbone.h"
#include "featup/backbones/vit.h"

namespace fu {

/// BackboneOptions::feature of every transformer: "token", "key".
std::vector<std::string> vit_features();

/// Loads a Vit whose tensors' names begin with `prefix`. describe() is `title`, then its sizes. throws FileError.
std::unique_ptr<Backbone> vit_backbone(const Weights& weights, const std::string& prefix, const std::string& title,
                                       const BackboneOptions& options);

}  // namespace fu
