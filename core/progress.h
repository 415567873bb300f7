// How long work tells how far it is.
#pragma once

#include <functional>

namespace fu {

/// Called with the share of the work that is done, 0 to 1, now and then, on the calling thread. May be empty.
using Progress = std::function<void(double)>;

}  // namespace fu
