#include "featup/version.h"

namespace fu {

const char* version() { return FEATUP_VERSION; }

}  // namespace fu
