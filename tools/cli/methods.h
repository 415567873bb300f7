// The methods that every table compares.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/upsamplers/registry.h"

namespace fu {

struct Method {
  std::string name;  // as --upsampler takes it, or folder:DIR
  Cost cost;
};

/// The methods that all tables have, in one line, for help.
std::string usual_methods();
/// The methods of a table: the ones all tables have, or with `only` the first of them, then `more`, each once.
std::vector<Method> methods_with(const std::vector<std::string>& more, bool only);
/// Opens one; folder:DIR reads a feature map for each photo from DIR/PHOTO.npy or .safetensors, made elsewhere, and
/// enlarges it bilinearly if it has fewer pixels than the result. `photo`: the name of the photo at hand, without
/// folder and ending. It may change between uses, and must live as long as what is returned.
std::unique_ptr<Upsampler> open_method(const std::string& name, const UpsamplerOptions& options,
                                       const std::string& photo);

/// Throws FileError if a folder lacks the map of a photo that it will be asked for; methods of other kinds lack
/// nothing.
void require_maps(const std::vector<Method>& methods, const std::vector<std::string>& photos);

}  // namespace fu
