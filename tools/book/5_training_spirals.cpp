#include <algorithm>
#include <cmath>

#include "tools/book/5_training.h"

namespace fu::book {

Points spirals(Index n, real noise, Random& random) {
  Points points;
  points.places = Tensor({n, 2});
  for (Index i = 0; i < n; ++i) {
    const Index arm = i % kArms;
    const real t = random.uniform(real(0.1), 1);  // from the centre outwards
    const real angle = real(2.0944) * static_cast<real>(arm) + 4 * t;
    points.places.data()[2 * i] = t * std::cos(angle) + noise * random.normal();
    points.places.data()[2 * i + 1] = t * std::sin(angle) + noise * random.normal();
    points.arms->push_back(arm);
  }
  return points;
}

Points Points::at(const std::vector<Index>& numbers) const {
  Points some;
  some.places = Tensor({static_cast<Index>(numbers.size()), 2});
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::copy_n(places.data() + 2 * numbers[i], 2, some.places.data() + 2 * i);
    some.arms->push_back((*arms)[usize(numbers[i])]);
  }
  return some;
}

Network::Network(Index hidden, Random* random)
    : first(2, hidden, random), second(hidden, hidden, random), last(hidden, kArms, random) {
  add("first", first), add("second", second), add("last", last);
}

//! [network]
Var Network::operator()(const Var& x, real p, Random* draws) const {
  const auto drop = [&](const Var& h) { return draws ? dropout(h, p, *draws) : h; };
  return last(drop(relu(second(drop(relu(first(x)))))));
}
//! [network]

namespace {

Index largest(const real* row) { return std::max_element(row, row + kArms) - row; }

}  // namespace

Score score(const Network& net, const Points& points) {
  const Tensor logits = net(Var(points.places)).value;
  Score s;
  s.loss = static_cast<double>(cross_entropy(Var(logits), points.arms).value.item());
  for (Index i = 0; i < logits.dim(0); ++i)
    s.right += largest(logits.data() + i * kArms) == (*points.arms)[usize(i)] ? 1 : 0;
  s.right /= static_cast<double>(logits.dim(0));
  return s;
}

Image regions(const Network& net, const Points& points) {
  constexpr Index kSide = 240;
  constexpr unsigned char kLight[kArms][3] = {{198, 222, 240}, {250, 221, 190}, {198, 232, 216}};
  constexpr unsigned char kDark[kArms][3] = {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}};
  const auto place = [](Index i) { return real(2.4) * (static_cast<real>(i) + real(0.5)) / kSide - real(1.2); };
  Tensor places({kSide * kSide, 2});
  for (Index i = 0; i < kSide * kSide; ++i) {
    places.data()[2 * i] = place(i % kSide);
    places.data()[2 * i + 1] = place(i / kSide);
  }
  const Tensor logits = net(Var(places)).value;
  Image image{kSide, kSide, std::vector<unsigned char>(usize(kSide * kSide * 3))};
  const auto paint = [&](Index row, Index col, const unsigned char* color) {
    if (row >= 0 && row < kSide && col >= 0 && col < kSide)
      std::copy_n(color, 3, image.rgb.begin() + static_cast<std::ptrdiff_t>((row * kSide + col) * 3));
  };
  for (Index i = 0; i < kSide * kSide; ++i) paint(i / kSide, i % kSide, kLight[largest(logits.data() + i * kArms)]);
  for (Index i = 0; i < points.places.dim(0); ++i) {
    const auto pixel = [](real v) { return std::lround((static_cast<double>(v) + 1.2) / 2.4 * kSide); };
    const Index col = pixel(points.places.data()[2 * i]), row = pixel(points.places.data()[2 * i + 1]);
    for (Index dy = -1; dy <= 1; ++dy)
      for (Index dx = -1; dx <= 1; ++dx) paint(row + dy, col + dx, kDark[(*points.arms)[usize(i)]]);
  }
  return image;
}

}  // namespace fu::book
