// A learned JBU stack for inference: its levels, the stack, and runs of it.
#pragma once

#include "featup/jbu/jbu_level.h"
#include "featup/jbu/jbu_run.h"
#include "featup/jbu/jbu_stack.h"
