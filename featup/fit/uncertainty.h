// How far a fitted map can be trusted, learned as a function of the backbone's features.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// Fits FeatUp's uncertainty, a deviation s = exp(net(features) + 0.1), to the errors of a map that stays as it is, by
/// maximum likelihood of a Gaussian.
///   targets: views (1,h,w,C); errors: mean squared errors of the map there, (1,h,w,1)
/// Returns the parameters of the net, named "scale_net.net.weight" and "scale_net.net.bias". The same arguments give
/// the same bits. source: FeatUp (arXiv 2403.10516) section 3
std::map<std::string, Tensor> fit_uncertainty(const std::vector<Tensor>& targets, const std::vector<Tensor>& errors,
                                              std::uint64_t seed);

}  // namespace fu
