// example_train_vit [STEPS]
//
// Trains a vision transformer of two blocks on the shapes of shapes.h. A picture of 24x24 pixels becomes 36 tokens, one
// for each patch of 4x4 pixels. source of the network: Dosovitskiy et al. (arXiv 2010.11929)
#include <featup/featup.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "shapes.h"

using namespace fu;

namespace {

constexpr Index kPatch = 4, kGrid = kSide / kPatch, kTokens = kGrid * kGrid, kDim = 32, kHeads = 4;

struct TinyVit : Module {
  Linear embed, head;
  Parameter position;  // (kTokens, kDim), added to every picture's tokens: attention alone does not know places
  TransformerBlock first, second;
  LayerNorm norm;

  explicit TinyVit(Random* random)
      : embed(kPatch * kPatch, kDim, random),
        head(kDim, kClasses, random),
        position(unary(Unary::affine, random->normal({kTokens, kDim}), real(0.02))),
        first({kDim, kHeads, 2 * kDim}, random),
        second({kDim, kHeads, 2 * kDim}, random),
        norm(kDim) {
    add("embed", embed);
    add("position", position);
    add("blocks.0", first);
    add("blocks.1", second);
    add("norm", norm);
    add("head", head);
  }
  /// images (N, kSide, kSide, 1) -> logits (N, kClasses)
  Var operator()(const Var& images) const {
    const Index n = images.dim(0);
    const Var rows = permute(reshape(images, {n, kGrid, kPatch, kGrid, kPatch}), {0, 1, 3, 2, 4});
    const Var tokens = embed(reshape(rows, {n, kTokens, kPatch * kPatch})) + Var(position);
    return head(reshape(mean(norm(second(first(tokens))), 1), {n, kDim}));
  }
};

void train(Index steps) {
  Random initial(1), training(2), held_out(3);
  TinyVit net(&initial);
  const Batch test = draw(1000, held_out);
  const auto right = [&] { return 100 * accuracy(net(test.images).value, *test.labels); };
  std::printf("%ld parameters; before training %.1f%% of 1000 held-out shapes right\n",
              static_cast<long>(net.parameter_count()), right());
  Adam adam(Adam::Kind::adamw, net.parameters(), 0, {0.9, 0.999, 1e-8, 0.01});
  for (Index step = 0; step < steps; ++step) {
    adam.lr = 3e-3 * warmup_cosine(step, 20, steps);
    adam.zero_grad();
    Tape tape;
    const Batch batch = draw(64, training);
    backward(cross_entropy(net(batch.images), batch.labels));
    adam.clip_gradients(1);
    adam.step();
  }
  std::printf("after %ld steps %.1f%% right\n", static_cast<long>(steps), right());
}

}  // namespace

int main(int argc, char** argv) try {
  train(argc > 1 ? std::max(1L, std::atol(argv[1])) : 600);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "example_train_vit: error: %s\n", error.what());
  return 1;
}
