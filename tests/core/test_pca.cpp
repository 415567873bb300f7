#include "core/ops/pca.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("pca: a rotated box is found again") {
  Random random(5);
  Tensor x = random.normal({500, 3});
  for (Index i = 0; i < 500; ++i) x.data()[i * 3 + 1] = real(0.1) * x.data()[i * 3 + 1] + 5;
  const Pca pca = fit_pca(x, 3);
  CHECK(pca.mean.data()[1] == doctest::Approx(5).epsilon(0.01));
  CHECK(pca.variance.data()[2] == doctest::Approx(0.01).epsilon(0.2));
  CHECK(std::abs(pca.components.data()[7]) == doctest::Approx(1).epsilon(0.01));
  CHECK(relative_error(pca.unproject(pca.project(x)), x) <= 1e-5);
  CHECK(contains(message_of([&] { fit_pca(x, 4); }), "[pca] 4 components"));
  x.data()[0] = NAN;
  CHECK(contains(message_of([&] { fit_pca(x, 1); }), "not numbers"));
}
