// Scores of classes, and the label map of a photo.
#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/classes/label_map.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

Guide grey_guide() {
  return [](Index h, Index w) { return Tensor::zeros({1, h > 0 ? h : 8, w > 0 ? w : 8, 3}); };
}

Classes some_classes(Index channels, Index k, std::uint64_t seed) {
  Classes classes;
  Random random(seed);
  classes.map = {random.normal({channels, k}), random.normal({k}), true};
  for (Index i = 0; i < k; ++i) classes.names.push_back(std::to_string(i));
  return classes;
}

/// Upsampled scores by the definition: every pixel of the features, then the map.
Tensor scores_by_definition(const Classes& classes, const Tensor& features, Extent size) {
  Tensor fine = resize_bilinear(features, size.height, size.width);
  return linear(fine, classes.map.matrix.permute({1, 0}), classes.map.offset);
}

}  // namespace

TEST_CASE("classes: labels, probabilities and areas are those of the upsampled features") {
  Random random(3);
  const Tensor features = random.normal({1, 3, 4, 5});
  Classes classes = some_classes(5, 4, 7);
  classes.scale = 2.5;
  const Extent size{9, 11};
  const auto bilinear = open_upsampler("bilinear");
  const Tensor scores = scores_by_definition(classes, features, size);
  std::vector<double> low(4, 1e9), high(4, -1e9);
  Labels labels;
  std::vector<double> confidence;
  for (Index p = 0; p < 99; ++p) {
    Index best = 0;
    double sum = 0;
    for (Index k = 0; k < 4; ++k) {
      const auto v = static_cast<double>(scores.data()[4 * p + k]);
      if (scores.data()[4 * p + k] > scores.data()[4 * p + best]) best = k;
      low[usize(k)] = std::min(low[usize(k)], v), high[usize(k)] = std::max(high[usize(k)], v);
    }
    for (Index k = 0; k < 4; ++k)
      sum += std::exp(2.5 * static_cast<double>(scores.data()[4 * p + k] - scores.data()[4 * p + best]));
    labels.push_back(static_cast<unsigned char>(best));
    confidence.push_back(1 / sum);
  }
  // All classes at once, and one at a time: the same.
  for (const Index at_a_time : {Index{1} << 20, Index{99}}) {
    std::vector<Index> seen;
    const LabelMap map = label_pixels(
        *bilinear, features, grey_guide(), size, classes, 0,
        [&](const ScorePlane& plane) {
          seen.push_back(plane.number);
          CHECK(plane.low == doctest::Approx(low[usize(plane.number)]).epsilon(1e-4));
          CHECK(plane.high == doctest::Approx(high[usize(plane.number)]).epsilon(1e-4));
          CHECK(static_cast<double>(plane.scores[17]) ==
                doctest::Approx(static_cast<double>(scores.data()[4 * 17 + plane.number])).epsilon(1e-4));
        },
        {}, at_a_time);
    CHECK(seen == std::vector<Index>{0, 1, 2, 3});
    CHECK(map.labels == labels);
    std::vector<Index> pixels(4);
    for (std::size_t p = 0; p < 99; ++p) {
      CHECK(static_cast<double>(map.confidence[p]) == doctest::Approx(confidence[p]).epsilon(1e-4));
      ++pixels[labels[p]];
    }
    for (std::size_t k = 0; k < 4; ++k) CHECK(map.classes[k].pixels == pixels[k]);
  }
  const LabelMap unsure = label_pixels(*bilinear, features, grey_guide(), size, classes, 0.9, {});
  for (std::size_t p = 0; p < 99; ++p) CHECK(unsure.labels[p] == (confidence[p] >= 0.9 ? labels[p] : kNoClass));
}

TEST_CASE("classes: cosines do not depend on the length of a feature vector") {
  Random random(4);
  Tensor features = random.normal({1, 2, 2, 6});
  Classes words = some_classes(6, 3, 5);
  words.map.offset = {};
  words.cosine = true;
  for (Index k = 0; k < 3; ++k) {
    double square = 0;
    for (Index c = 0; c < 6; ++c) square += std::pow(static_cast<double>(words.map.matrix.data()[3 * c + k]), 2);
    for (Index c = 0; c < 6; ++c) words.map.matrix.data()[3 * c + k] /= static_cast<real>(std::sqrt(square));
  }
  const auto scores = [&] {
    const ScoreSource source = score_source(words, features);
    return linear(source.features, source.map.matrix.permute({1, 0}), Tensor());
  };
  const Tensor before = scores();
  for (Index i = 0; i < before.size(); ++i) CHECK(std::abs(static_cast<double>(before.data()[i])) <= 1.000001);
  double square = 0, dot = 0;
  for (Index c = 0; c < 6; ++c) {
    square += std::pow(static_cast<double>(features.data()[c]), 2);
    dot += static_cast<double>(features.data()[c] * words.map.matrix.data()[3 * c + 1]);
  }
  CHECK(static_cast<double>(before.data()[1]) == doctest::Approx(dot / std::sqrt(square)).epsilon(1e-5));
  for (Index c = 0; c < 6; ++c) features.data()[6 + c] *= 40;
  CHECK(relative_error(scores(), before) < 1e-5);
  for (Index c = 0; c < 6; ++c) features.data()[6 + c] = 0;
  const Tensor with_zeros = scores();
  CHECK(with_zeros.data()[3] == 0);
  CHECK(contains(message_of([&] { score_source(words, random.normal({1, 2, 2, 5})); }), "are for 6 channels"));
}

TEST_CASE("classes: of activation maps, the largest score wins, if it is high enough in its own range") {
  // Two classes on a grid of three cells, looked at without interpolation.
  Tensor features({1, 1, 3, 2});
  const real values[] = {0, 4, 10, 5, 4, 6};
  std::copy_n(values, 6, features.data());
  Classes maps;
  maps.names = {"a", "b"};
  maps.kind = ScoreKind::activation;
  maps.map.matrix = Tensor({2, 2});
  const real unit[] = {1, 0, 0, 1};
  std::copy_n(unit, 4, maps.map.matrix.data());
  const LabelMap map = label_pixels(*open_upsampler("nearest"), features, grey_guide(), {1, 3}, maps, 0.5, {});
  // a: activations 0, 1, 0.4; b: 0, 0.5, 1. In the middle a's score of 10 is larger.
  CHECK(map.labels == Labels{kNoClass, 0, 1});
  CHECK(map.confidence == std::vector<float>{0, 1, 1});
  const LabelMap all = label_pixels(*open_upsampler("nearest"), features, grey_guide(), {1, 3}, maps, 0, {});
  CHECK(all.labels == Labels{1, 0, 1});
}

TEST_CASE("classes: sigmoid scores are each class's own; a hidden layer in front, before or after upsampling") {
  Random random(6);
  const Tensor features = random.normal({1, 2, 2, 4});
  Classes classes = some_classes(4, 2, 9);
  classes.kind = ScoreKind::sigmoid, classes.scale = 3, classes.bias = -1;
  const auto nearest = open_upsampler("nearest");
  const LabelMap map = label_pixels(*nearest, features, grey_guide(), {2, 2}, classes, 0, {});
  const Tensor scores = scores_by_definition(classes, features, {2, 2});
  for (std::size_t p = 0; p < 4; ++p) {
    const double best = static_cast<double>(std::max(scores.data()[2 * p], scores.data()[2 * p + 1]));
    CHECK(static_cast<double>(map.confidence[p]) == doctest::Approx(1 / (1 + std::exp(1 - 3 * best))).epsilon(1e-4));
  }

  Classes deep = some_classes(8, 2, 10);
  deep.hidden_weight = random.normal({8, 4}), deep.hidden_bias = random.normal({8});
  const auto layers = [&](const Tensor& x) {
    return linear(linear(x, deep.hidden_weight, deep.hidden_bias, Activation::relu), deep.map.matrix.permute({1, 0}),
                  deep.map.offset);
  };
  const auto bilinear = open_upsampler("bilinear");
  CHECK(relative_error(upsampled_scores(*bilinear, features, grey_guide(), {5, 7}, deep),
                       resize_bilinear(layers(features), 5, 7)) < 1e-5);
  deep.hidden_after = true;
  CHECK(relative_error(upsampled_scores(*bilinear, features, grey_guide(), {5, 7}, deep),
                       layers(resize_bilinear(features, 5, 7))) < 1e-5);
  CHECK(contains(message_of([&] {
                   Classes none;
                   label_pixels(*bilinear, features, grey_guide(), {5, 7}, none, 0, {});
                 }),
                 "a label map has 1 to 255"));
}
