// Layer norm of rows whose mean is far larger than their spread: numbers near 1e7 lie 1 apart.
#include "core/isa.h"
#include "core/ops.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("layer norm: as exact as the numbers of the row, for any mean") {
  say_missing_kernels();
  for (const Kernels* table : all_kernels()) {
    const WithKernels use(*table);
    CAPTURE(table->isa);
    for (const double base : {0.0, 1e3, 1e5, 1e6, 4e6, 1e7, -1e7})
      for (const Index c : {4, 30, 192, 1000}) {
        CAPTURE(base);
        CAPTURE(c);
        Random random(7);
        Tensor x({3, c});
        for (Index i = 0; i < x.size(); ++i)
          x.data()[i] = static_cast<real>(base + (c == 4 ? static_cast<double>(i) : 4 * random.uniform()));
        const Tensor y = layer_norm(x, Tensor::full({c}, 1), Tensor::zeros({c}), real(1e-5));
        double worst = 0;
        for (Index r = 0; r < 3; ++r) {
          double mean = 0, variance = 0;
          for (Index i = 0; i < c; ++i) mean += static_cast<double>(x.data()[r * c + i]) / static_cast<double>(c);
          for (Index i = 0; i < c; ++i)
            variance += std::pow(static_cast<double>(x.data()[r * c + i]) - mean, 2) / static_cast<double>(c);
          for (Index i = 0; i < c; ++i)
            worst = std::max(worst,
                             std::abs(static_cast<double>(y.data()[r * c + i]) -
                                      (static_cast<double>(x.data()[r * c + i]) - mean) / std::sqrt(variance + 1e-5)));
        }
        CHECK(worst < 2e-5);
      }
  }
}
