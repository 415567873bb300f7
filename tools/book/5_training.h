// Chapter 5: points of three spiral arms, and a network that learns to which arm each belongs.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "autograd/ops.h"
#include "featup/photo/preprocess.h"
#include "layers/linear.h"

namespace fu::book {

constexpr Index kArms = 3;

struct Points {
  Tensor places;  // (n, 2), most of them in [-1,1]^2
  std::shared_ptr<std::vector<Index>> arms = std::make_shared<std::vector<Index>>();

  Index size() const { return places.dim(0); }
  /// The points of these numbers.
  Points at(const std::vector<Index>& numbers) const;
};
/// n points around three spiral arms, with noise of that deviation.
Points spirals(Index n, real noise, Random& random);

/// 2 -> hidden -> hidden -> 3, with ReLU, and dropout with probability p where `draws` is not null.
struct Network : Module {
  Network(Index hidden, Random* random);
  Var operator()(const Var& x, real p = 0, Random* draws = nullptr) const;
  Linear first, second, last;
};

/// Mean cross entropy, and the share of points whose arm gets the largest number.
struct Score {
  double loss = 0, right = 0;
};
Score score(const Network& net, const Points& points);

/// Which arm the network sees at each place of [-1.2,1.2]^2, as colours, with the points on top.
Image regions(const Network& net, const Points& points);

}  // namespace fu::book
