// A probe's outputs as classes.
#pragma once

#include <string>

#include "featup/classes/classes.h"
#include "featup/probes/probe.h"

namespace fu {

/// The last layer is the map; of numbers, without their centre, which is to be added to what is upsampled. source: for
/// people, as in Classes.
Classes classes_of(const Probe& probe, const std::string& source);

}  // namespace fu
