// The kernels of the instruction set that this process uses.
#pragma once

#include <vector>

#include "core/kernels/kernel_table.h"

namespace fu {

/// The table in use: the best that this processor runs, or the one named by the environment variable FU_ISA. Throws
/// UsageError if FU_ISA names none that was built or that this processor can run.
const Kernels& kernels();

/// All tables that this processor can run, the naive reference first. For tests.
std::vector<const Kernels*> all_kernels();

/// Makes kernels() return this table from now on. For tests; not while other threads compute. Packed weights belong to
/// one table.
void use_kernels(const Kernels& table);

}  // namespace fu
