// Functions from tensors to tensors: they check shapes, allocate the result and call the kernel. They record no
// gradients; autograd/ops does. This header gives the operations of neural networks; what only some files need has a
// header of its own: ops/resample.h, ops/smooth.h, ops/rectangles.h, ops/pca.h.
#pragma once

#include "core/ops/attention.h"
#include "core/ops/cell_attention.h"
#include "core/ops/concat.h"
#include "core/ops/conv.h"
#include "core/ops/elementwise.h"
#include "core/ops/expand.h"
#include "core/ops/group_norm.h"
#include "core/ops/linear.h"
#include "core/ops/normalize.h"
#include "core/ops/reduce.h"
#include "core/ops/reshape.h"
#include "core/ops/rotary.h"
