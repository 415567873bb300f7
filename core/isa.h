// The kernels of the instruction set that this process uses.
#pragma once

#include <string>
#include <vector>

#include "core/kernels/kernel_table.h"

namespace fu {

/// The table in use: the best that this processor runs, or the one named by the environment variable FU_ISA. Throws
/// UsageError if FU_ISA names a table that this build lacks or this processor cannot run.
const Kernels& kernels();

/// All tables that this processor runs: first the naive reference, last the fastest. For tests.
std::vector<const Kernels*> all_kernels();

/// Names of the tables that this build has but this processor cannot run. Tests print them.
std::vector<std::string> missing_kernels();

/// Makes kernels() return this table from now on. For tests. Call it only while no other thread computes. Weights
/// packed for one table cannot be used with another.
void use_kernels(const Kernels& table);

}  // namespace fu
