// example_classify_shapes [STEPS]
//
// Trains a convolutional network to classify circles, squares, triangles and crosses, which are drawn in noise at
// random places, sizes and brightnesses. It is tested on shapes that it has not seen.
#include <featup/featup.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "shapes.h"

using namespace fu;

namespace {

/// Two convolutions that halve the side each, the mean over all places of a third, and a linear layer.
struct Classifier : Module {
  Sequential features;
  Linear head;
  explicit Classifier(Random* random) : head(32, kClasses, random) {
    features.push<Conv2d>(1, 16, 5, random, 2, 2);
    features.push<Elementwise>(Unary::relu);
    features.push<Conv2d>(16, 32, 3, random, 2, 1);
    features.push<Elementwise>(Unary::relu);
    features.push<Conv2d>(32, 32, 3, random, 1, 1);
    features.push<Elementwise>(Unary::relu);
    add("features", features);
    add("head", head);
  }
  Var operator()(const Var& images) const {
    const Var pooled = adaptive_avg_pool(features(images), 1, 1);
    return head(reshape(pooled, {pooled.dim(0), pooled.dim(3)}));
  }
};

void train(Index steps) {
  Random initial(1), training(2), held_out(3);
  Classifier net(&initial);
  const Batch test = draw(2000, held_out);
  std::printf("%ld parameters; before training %.1f%% of 2000 held-out shapes right\n",
              static_cast<long>(net.parameter_count()), 100 * accuracy(net(test.images).value, *test.labels));
  Adam adam(Adam::Kind::adamw, net.parameters(), 1e-2, {0.9, 0.999, 1e-8, 0.01});
  for (Index step = 0; step < steps; ++step) {
    adam.lr = 1e-2 * warmup_cosine(step, 20, steps);
    adam.zero_grad();
    Tape tape;
    const Batch batch = draw(64, training);
    const Var loss = cross_entropy(net(batch.images), batch.labels);
    backward(loss);
    adam.step();
    if (step % 100 == 99)
      std::printf("step %4ld  loss %.3f\n", static_cast<long>(step + 1), static_cast<double>(loss.value.item()));
  }
  std::printf("after training %.1f%% right\n", 100 * accuracy(net(test.images).value, *test.labels));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Index steps = argc > 1 ? std::atol(argv[1]) : 600;
    if (steps < 1) throw UsageError("usage: example_classify_shapes [STEPS]");
    train(steps);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "example_classify_shapes: error: %s\n", error.what());
    return 1;
  }
}
