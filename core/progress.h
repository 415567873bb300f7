// How a long computation reports how far it is.
#pragma once

#include <functional>

namespace fu {

/// Called with the share of the work that is done, from 0 to 1, some times during the work and on the calling thread.
/// May be empty.
using Progress = std::function<void(double)>;

}  // namespace fu
