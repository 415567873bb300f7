#include "featup/fit/uncertainty.h"

#include "featup/training/losses.h"
#include "layers/optimizer.h"

namespace fu {

namespace {

constexpr int kSteps = 150;
constexpr double kLearningRate = 1e-2;

}  // namespace

std::map<std::string, Tensor> fit_uncertainty(const std::vector<Tensor>& targets, const std::vector<Tensor>& errors,
                                              std::uint64_t seed) {
  const Tensor x = concat(targets, 0), error = concat(errors, 0);
  Random random(seed, 4);
  ScaleNet net(x.dim(3), &random);
  for (Parameter* p : net.parameters()) p->set(unary(Unary::affine, p->value, real(0.1)));
  Adam optimizer(Adam::Kind::adam, net.parameters(), kLearningRate);
  for (int step = 0; step < kSteps; ++step) {
    optimizer.zero_grad();
    Tape tape;
    const Var s = net(x);
    const Var loss = mean(Var(error) / affine(square(s), 2) + log(s));
    backward(loss);
    optimizer.step();
  }
  std::map<std::string, Tensor> parameters;
  net.save(parameters, "scale_net.");
  return parameters;
}

}  // namespace fu
