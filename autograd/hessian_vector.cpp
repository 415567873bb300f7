#include "autograd/hessian_vector.h"

#include <cmath>

#include "autograd/parameter_keeper.h"
#include "core/ops.h"

namespace fu {

namespace {

double norm(const std::vector<Tensor>& tensors) {
  double total = 0;
  for (const Tensor& t : tensors)
    for (Index i = 0; i < t.size(); ++i) total += static_cast<double>(t.data()[i]) * static_cast<double>(t.data()[i]);
  return std::sqrt(total);
}

}  // namespace

std::vector<Tensor> hessian_vector_product(const std::function<Var()>& loss, const std::vector<Parameter*>& parameters,
                                           const std::vector<Tensor>& direction, double step) {
  require<ShapeError>(direction.size() == parameters.size(), "[hessian_vector_product] ", direction.size(),
                      " tensors of a direction for ", parameters.size(), " parameters: must be one for each.");
  std::vector<Tensor> values;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    values.push_back(parameters[i]->value);
    require<ShapeError>(direction[i].shape() == values[i].shape(), "[hessian_vector_product] direction ",
                        direction[i].shape(), " for parameter '", parameters[i]->name, "' ", values[i].shape(),
                        ": must have its shape.");
  }
  if (step <= 0) step = sizeof(real) == 8 ? 1e-5 : 5e-3;
  const double length = norm(direction), size = norm(values);
  const double h = length > 0 ? step * (size > 0 ? size : 1) / length : 1;

  const ParameterKeeper keeper(parameters);
  const auto gradients_at = [&](double shift) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      parameters[i]->set(values[i] + unary(Unary::affine, direction[i], static_cast<real>(shift)));
      parameters[i]->zero_grad();
    }
    Tape tape;
    backward(loss());
    std::vector<Tensor> gradients;
    for (const Parameter* p : parameters)
      gradients.push_back(p->has_grad() ? p->grad : Tensor::zeros(p->value.shape()));
    return gradients;
  };
  std::vector<Tensor> product = gradients_at(h);
  const std::vector<Tensor> below = gradients_at(-h);
  for (std::size_t i = 0; i < product.size(); ++i)
    product[i] = unary(Unary::affine, product[i] - below[i], static_cast<real>(1 / (2 * h)));
  return product;
}

}  // namespace fu
