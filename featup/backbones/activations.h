// The names of activations in options and configurations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/kernels/types.h"
#include "featup/backbones/backbone.h"
#include "featup/backbones/model_config.h"

namespace fu {

/// By the option unless it is "auto", else by the files, else `usual`, which is `because`. Adds "activation" to
/// `settings`. path: for messages. throws FileError for one that this library does not have.
Activation choose_activation(const std::string& path, const std::string& option,
                             const std::optional<Stated<std::string>>& stated, Activation usual,
                             const std::string& because, std::vector<BackboneSetting>& settings);

}  // namespace fu
