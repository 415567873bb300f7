// example_classify_shapes [STEPS]
//
// Trains a convolutional network to classify circles, squares, triangles and crosses, which are drawn in noise at
// random places, sizes and brightnesses. It is tested on shapes that it has not seen.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/optimizer.h"
#include "layers/sequential.h"

using namespace fu;

namespace {

constexpr Index kSide = 24, kClasses = 4;

struct Batch {
  Tensor images;  // (N, kSide, kSide, 1)
  std::shared_ptr<std::vector<Index>> labels = std::make_shared<std::vector<Index>>();
};

/// Whether a point, in units of the shape's radius from its centre, lies inside.
bool inside(Index shape, real y, real x) {
  switch (shape) {
    case 0: return y * y + x * x < 1;                                     // circle
    case 1: return std::abs(y) < real(0.85) && std::abs(x) < real(0.85);  // square
    case 2: return y > -1 && y < real(0.8) && std::abs(x) < (y + 1) / 2;  // triangle, tip up
    default:
      return std::abs(y) < 1 && std::abs(x) < 1 && (std::abs(y) < real(0.3) || std::abs(x) < real(0.3));  // cross
  }
}

Batch draw(Index n, Random& random) {
  Batch batch;
  batch.images = unary(Unary::affine, random.normal({n, kSide, kSide, 1}), real(0.25));
  for (Index i = 0; i < n; ++i) {
    const Index shape = random.below(kClasses);
    batch.labels->push_back(shape);
    const real radius = random.uniform(4, 9), brightness = random.uniform(real(0.5), real(1.5));
    const real row = random.uniform(radius, kSide - radius), col = random.uniform(radius, kSide - radius);
    for (Index p = 0; p < kSide * kSide; ++p)
      if (inside(shape, (static_cast<real>(p / kSide) - row) / radius, (static_cast<real>(p % kSide) - col) / radius))
        batch.images.data()[i * kSide * kSide + p] += brightness;
  }
  return batch;
}

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

double accuracy(const Classifier& net, const Batch& batch) {
  const Tensor logits = net(batch.images).value;
  Index right = 0;
  for (Index i = 0; i < logits.dim(0); ++i) {
    const real* row = logits.data() + i * kClasses;
    Index best = 0;
    for (Index k = 1; k < kClasses; ++k) best = row[k] > row[best] ? k : best;
    right += best == (*batch.labels)[static_cast<std::size_t>(i)];
  }
  return static_cast<double>(right) / static_cast<double>(logits.dim(0));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Index steps = argc > 1 ? std::atol(argv[1]) : 600;
    if (steps < 1) throw UsageError("usage: example_classify_shapes [STEPS]");
    Random initial(1), training(2), held_out(3);
    Classifier net(&initial);
    const Batch test = draw(2000, held_out);
    std::printf("%ld parameters; before training %.1f%% of 2000 held-out shapes right\n",
                static_cast<long>(net.parameter_count()), 100 * accuracy(net, test));
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
    std::printf("after training %.1f%% right\n", 100 * accuracy(net, test));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "example_classify_shapes: error: %s\n", error.what());
    return 1;
  }
}
