// Windows of cells, group norm and attention to cells: facts that need no other implementation.
#include "core/ops.h"
#include "core/random.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// The cells [first, last) of pixel i.
std::pair<Index, Index> cells_of(const std::vector<CellRun>& runs, Index i) {
  for (const CellRun& run : runs)
    if (i >= run.begin && i < run.end) return {run.first, run.last};
  return {-1, -1};
}

using Cells = std::pair<Index, Index>;

}  // namespace

TEST_CASE("cell windows: around the pixel, and inside the map") {
  const CellWindows within = cells_within(224, 224, 14, 14, 0.1f);
  CHECK(cells_of(within.rows, 0) == Cells{0, 2});
  CHECK(cells_of(within.rows, 112) == Cells{5, 9});
  CHECK(cells_of(within.cols, 223) == Cells{12, 14});
  const CellWindows nearest = nearest_cells(30, 7, 10, 3, 9);
  CHECK(cells_of(nearest.rows, 0) == Cells{0, 9});
  CHECK(cells_of(nearest.rows, 14) == Cells{0, 9});   // cell 4
  CHECK(cells_of(nearest.rows, 15) == Cells{1, 10});  // cell 5
  CHECK(cells_of(nearest.rows, 29) == Cells{1, 10});
  CHECK(cells_of(nearest.cols, 3) == Cells{0, 3});  // fewer cells than the window
  // The centre of the pixel decides: of 5 pixels on 2 cells, the third one's lies in the second cell.
  CHECK(cells_of(nearest_cells(5, 5, 2, 2, 1).rows, 1) == Cells{0, 1});
  CHECK(cells_of(nearest_cells(5, 5, 2, 2, 1).rows, 2) == Cells{1, 2});
  CHECK(cells_of(all_cells(9, 4, 3, 2).cols, 3) == Cells{0, 2});
  for (const CellWindows& w : {within, nearest, all_cells(100, 3, 5, 6)}) {
    Index next = 0;
    for (const CellRun& run : w.rows) {
      CHECK(run.begin == next);
      CHECK(run.first < run.last);
      next = run.end;
    }
    CHECK(next == w.height);
  }
}

TEST_CASE("cell windows: numbers are rounded to float, which decides about a cell") {
  // Of 10 pixels on 20 cells, pixel 5 lies at 0.55. 0.65 * 20 is 13, but 13.000001 in float, so cell 13 counts too.
  // Pixel 6: 0.55 * 20 is 11, but 10.999999 in float.
  const CellWindows windows = cells_within(10, 10, 20, 20, 0.1f);
  CHECK(cells_of(windows.rows, 5) == Cells{9, 14});
  CHECK(cells_of(windows.rows, 6) == Cells{10, 15});
}

TEST_CASE("cell attention: weights sum to 1, equal keys give the mean") {
  Random random(3);
  const CellWindows windows = nearest_cells(6, 9, 4, 5, 3);
  const Tensor q = random.normal({1, 6, 9, 8}), k = random.normal({1, 4, 5, 8});
  for (const HeadUse use : {HeadUse::mean, HeadUse::groups}) {
    const Tensor y = cell_attention(q, k, Tensor::full({1, 4, 5, 6}, 3), windows, 2, use);
    for (Index i = 0; i < y.size(); ++i) CHECK(y.data()[i] == doctest::Approx(3).epsilon(1e-5));
  }
  const Tensor v = random.normal({1, 2, 3, 4});
  const Tensor mean = cell_attention(random.normal({1, 1, 1, 4}), Tensor::full({1, 2, 3, 4}, 1), v,
                                     all_cells(1, 1, 2, 3), 1, HeadUse::mean);
  for (Index c = 0; c < 4; ++c) {
    double expected = 0;
    for (Index cell = 0; cell < 6; ++cell) expected += static_cast<double>(v.data()[cell * 4 + c]) / 6;
    CHECK(static_cast<double>(mean.data()[c]) == doctest::Approx(expected).epsilon(1e-5));
  }
}

TEST_CASE("cell attention and group norm: what does not fit is refused") {
  const Tensor q = Tensor::zeros({1, 4, 4, 6}), k = Tensor::zeros({1, 2, 2, 6}), v = Tensor::zeros({1, 2, 2, 5});
  const auto refusal = [&](const Tensor& a, const Tensor& b, const Tensor& c, Index heads, HeadUse use) {
    return message_of([&] { cell_attention(a, b, c, all_cells(4, 4, 2, 2), heads, use); });
  };
  CHECK(refusal(q, k, v, 2, HeadUse::mean).empty());
  CHECK(contains(refusal(q, k, v, 2, HeadUse::groups), "C a multiple of the heads where they have groups"));
  CHECK(contains(refusal(q, k, v, 2, HeadUse::sum), "or (heads,cells,C) where heads are summed"));
  CHECK(
      contains(refusal(q, k, v, 4, HeadUse::mean), "[cell_attention] q (1,4,4,6), k (1,2,2,6), v (1,2,2,5), 4 heads"));
  CHECK(contains(refusal(k, q, v, 2, HeadUse::mean), "windows of 4x4 pixels on 2x2 cells"));
  CHECK(contains(message_of([] { all_cells(0, 4, 2, 2); }), "0x4 pixels, 2x2 cells: must be positive"));
  CHECK(contains(message_of([&] { group_norm(q, {}, {}, 4); }), "[group_norm] x (1,4,4,6)"));
  CHECK(contains(message_of([&] { rms_norm(q, v, 1); }), "[rms_norm] x (1,4,4,6), weight (1,2,2,5)"));
}

TEST_CASE("group norm: groups have mean 0 and variance 1, also far from 0") {
  Random random(5);
  const Tensor x = unary(Unary::affine, random.normal({2, 40, 31, 8}), 1, 1000), y = group_norm(x, {}, {}, 2, 0);
  for (Index b = 0; b < 2; ++b)
    for (Index g = 0; g < 2; ++g) {
      double total = 0, squares = 0;
      for (Index p = 0; p < 40 * 31; ++p)
        for (Index c = 4 * g; c < 4 * g + 4; ++c) {
          const double v = static_cast<double>(y.data()[(b * 40 * 31 + p) * 8 + c]);
          total += v, squares += v * v;
        }
      CHECK(std::abs(total / (4 * 40 * 31)) <= 1e-3);  // half a step of a float at 1000 is 3e-5
      CHECK(squares / (4 * 40 * 31) == doctest::Approx(1).epsilon(1e-4));
    }
}
