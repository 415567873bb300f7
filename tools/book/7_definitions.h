// FeatUp's parts, each defined in some lines of plain ops.
#pragma once

#include <map>
#include <string>

#include "autograd/ops.h"
#include "core/ops/pca.h"
#include "featup/photo/jitter.h"

namespace fu::plain {

/// Parameters by their published names, matrices as (out,in).
using Parameters = std::map<std::string, Var>;

Var view_of(const Var& x, const Jitter& jitter);
std::vector<Index> window_starts(Index n, Index kernel, Index count);
Var simple_downsample(const Var& x, const Var& kernel, Index h, Index w);
Var attention_downsample(const Var& x, const Parameters& p, Index h, Index w);
Var neighbours(const Var& x, Index radius);
Var jbu_kernels(const Var& guidance, const Parameters& p);
Var jbu_level(const Var& source, const Var& guidance, const Parameters& p);
Var implicit_map(const Tensor& image, const Parameters& p, const std::vector<real>& frequencies);
double total_variation(const Tensor& x);
Var uncertainty(const Var& target, const Parameters& p);
Var likelihood_loss(const Var& prediction, const Var& target, const Var& s);
Pca principal_components(const Tensor& x, Index count);

}  // namespace fu::plain
