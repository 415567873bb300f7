// A request that takes longer to compute than the server gives it.
#pragma once

#include <stdexcept>

namespace fu {

struct Overtime : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace fu
