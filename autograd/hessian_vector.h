// Second derivatives by differences of gradients.
#pragma once

#include <functional>
#include <vector>

#include "autograd/tape.h"

namespace fu {

/// The product of the Hessian of a loss with a direction v, (g(p + h v) - g(p - h v)) / 2h, where g is the gradient by
/// backward(): one tensor for each parameter.
///   loss        reads the parameters and gives one number, the same one for the same values
///   direction   a tensor of the shape of each parameter
///   step        h in units of |p| / |v|, both over all parameters; 0: 1e-5 in double builds, 5e-3 in float builds,
///               whose results have about three right digits
/// Afterwards the parameters have the values and gradients that they had. cost: two forward and two backward passes.
/// throws ShapeError if direction does not fit.
/// @code
/// Parameter p(Tensor::full({2}, 3));
/// const auto loss = [&] { return sum(square(Var(p))); };  // its Hessian is 2 everywhere on the diagonal
/// const std::vector<Tensor> product = hessian_vector_product(loss, {&p}, {Tensor::full({2}, 1)});
/// assert(std::abs(product[0].data()[0] - 2) < 0.01);
/// @endcode
std::vector<Tensor> hessian_vector_product(const std::function<Var()>& loss, const std::vector<Parameter*>& parameters,
                                           const std::vector<Tensor>& direction, double step = 0);

}  // namespace fu
