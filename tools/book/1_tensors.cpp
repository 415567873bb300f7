// Chapter 1: tensors and strides.
#include <cstdio>
#include <numeric>
#include <vector>

#include "core/eigen.h"
#include "core/ops.h"
#include "core/pool.h"
#include "core/random.h"
#include "tools/book/book.h"
#include "tools/media/line_chart.h"
#include "tools/media/svg_text.h"

using namespace fu;

namespace {

//! [offset]
/// Position in memory of the element at `index` of a row-major tensor.
Index offset(const Shape& shape, const std::vector<Index>& index) {
  Index position = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) position = position * shape[axis] + index[usize(axis)];
  return position;
}
//! [offset]

//! [strides]
/// How far the next element along each axis is, in elements.
std::vector<Index> strides(const Shape& shape) {
  std::vector<Index> steps(usize(shape.rank()));
  Index step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    steps[usize(axis)] = step;
    step *= shape[axis];
  }
  return steps;
}
//! [strides]

//! [view]
/// A matrix that owns nothing: a place in memory, two sizes, and the steps along both axes.
struct View {
  const real* first;
  Index rows, cols, row_step, col_step;

  real operator()(Index i, Index j) const { return first[i * row_step + j * col_step]; }
  View transposed() const { return {first, cols, rows, col_step, row_step}; }
  View part(Index r0, Index r1, Index c0, Index c1) const {
    return {first + r0 * row_step + c0 * col_step, r1 - r0, c1 - c0, row_step, col_step};
  }
  View mirrored() const { return {first + (cols - 1) * col_step, rows, cols, row_step, -col_step}; }
  View row_repeated(Index i, Index times) const { return {first + i * row_step, times, cols, 0, col_step}; }
};
//! [view]

void print(const char* name, const View& v) {
  std::printf("%s, steps (%ld,%ld)\n", name, static_cast<long>(v.row_step), static_cast<long>(v.col_step));
  for (Index i = 0; i < v.rows; ++i) {
    for (Index j = 0; j < v.cols; ++j) std::printf("%4.0f", static_cast<double>(v(i, j)));
    std::printf("\n");
  }
}

void row_major() {
  const Shape shape{2, 3, 4};
  const std::vector<Index> steps = strides(shape);
  std::printf("shape %s, %ld elements, strides %ld %ld %ld\n", shape.str().c_str(), static_cast<long>(shape.elements()),
              static_cast<long>(steps[0]), static_cast<long>(steps[1]), static_cast<long>(steps[2]));
  std::printf("element [1,2,3] is number %ld in memory\n", static_cast<long>(offset(shape, {1, 2, 3})));
}

Tensor counted(Index rows, Index cols) {
  std::vector<real> values(usize(rows * cols));
  std::iota(values.begin(), values.end(), real(0));
  return Tensor::from({rows, cols}, values);
}

void views() {
  const Tensor x = counted(3, 4);
  const View v{x.data(), 3, 4, 4, 1};
  print("the matrix", v);
  print("transposed", v.transposed());
  print("rows 1 to 2, columns 1 to 2", v.part(1, 3, 1, 3));
  print("mirrored", v.mirrored());
  print("row 1, three times", v.row_repeated(1, 3));
}

/// Cells in a row with the numbers of a matrix as they lie in memory; each row of the matrix has a shade.
std::string memory_row(const View& v, double y, const char* title) {
  std::string svg = svg_text(10, y - 8, title);
  Index at = 0;
  for (Index i = 0; i < v.rows; ++i)
    for (Index j = 0; j < v.cols; ++j, ++at) {
      const double x = 10 + 44 * static_cast<double>(at);
      svg += "<rect x=\"" + svg_number(x, 0) + "\" y=\"" + svg_number(y, 0) +
             "\" width=\"44\" height=\"32\" stroke=\"#5b6672\" fill=\"" + (i % 2 == 0 ? "#cfe3f1" : "#fff") + "\"/>\n";
      svg += svg_text(x + 22, y + 21, svg_number(static_cast<double>(v(i, j)), 0), "text-anchor=\"middle\"");
    }
  return svg;
}

void memory() {
  const Tensor x = counted(3, 4);
  const View v{x.data(), 3, 4, 4, 1};
  book::write_figure("1-memory.svg",
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"550\" height=\"150\" "
                     "font-family=\"sans-serif\" font-size=\"13\"><rect width=\"100%\" height=\"100%\" "
                     "fill=\"#fff\"/>\n" +
                         memory_row(v, 28, "a matrix of 3 x 4 in memory; a shade for each row") +
                         memory_row(v.transposed(), 104, "its transpose of 4 x 3, copied into row-major order") +
                         "</svg>\n");
  //! [share]
  const Tensor flat = x.reshape({12}), turned = x.permute({1, 0});
  const bool shares = flat.data() == x.data(), copies = turned.data() != x.data();
  //! [share]
  std::printf("reshape %s -> %s: %s memory\n", x.shape().str().c_str(), flat.shape().str().c_str(),
              shares ? "the same" : "other");
  std::printf("permute %s -> %s: %s memory\n", x.shape().str().c_str(), turned.shape().str().c_str(),
              copies ? "other" : "the same");
}

/// Reads n numbers that lie `step` apart, again and again from the start of the memory's next column.
double nanoseconds_a_read(const Tensor& x, Index step) {
  const Index n = x.size();
  real total = 0;
  const double seconds = book::best_seconds([&] {
    //! [strided]
    for (Index first = 0; first < step; ++first)
      for (Index i = first; i < n; i += step) total += x.data()[i];
    //! [strided]
  });
  if (total == real(0.123)) std::printf("%f\n", static_cast<double>(total));  // so that the loop is not removed
  return seconds / static_cast<double>(n) * 1e9;
}

void stride_cost() {
  const Tensor x = Tensor::full({4096, 4096}, 1);
  Line line{"sum of all numbers of 67 MB", {}, {}};
  for (Index step = 1; step <= 4096; step *= 2) {
    line.x.push_back(static_cast<double>(step));
    line.y.push_back(nanoseconds_a_read(x, step));
    if (step == 1 || step == 16 || step == 4096)
      std::printf("step %4ld: %.2f ns a number\n", static_cast<long>(step), line.y.back());
  }
  LineChart chart{
      "What a stride costs", "distance of numbers that are read one after another", "ns a number", "", {line}};
  chart.log_x = true;
  chart.caption = "The numbers are the same; only the order differs. 16 numbers are a line of the cache.";
  write_line_chart(book::figure("1-strides.svg"), chart);
}

void channels() {
  constexpr Index kSide = 224, kChannels = 384, kPixels = 1000;
  Random random(1);
  const Tensor x = random.uniform({kSide * kSide, kChannels}, -1, 1), planes = x.permute({1, 0});
  std::vector<Index> places;
  for (Index i = 0; i < kPixels; ++i) places.push_back(random.below(kSide * kSide));
  real total = 0;
  //! [pixels]
  const auto last = [&] {
    for (const Index p : places)
      for (Index c = 0; c < kChannels; ++c) total += x.data()[p * kChannels + c];
  };
  const auto first = [&] {
    for (const Index p : places)
      for (Index c = 0; c < kChannels; ++c) total += planes.data()[c * kSide * kSide + p];
  };
  //! [pixels]
  std::printf("vectors of 384 features at 1000 places of 224 x 224\n");
  std::printf("channels last:  %8.2f ms\n", 1e3 * book::best_seconds(last));
  std::printf("channels first: %8.2f ms\n", 1e3 * book::best_seconds(first));
  if (total == real(0.123)) std::printf("%f\n", static_cast<double>(total));
}

void broadcasting() {
  //! [broadcast]
  const Tensor a = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6}), b = Tensor::from({3}, {10, 20, 30});
  const Tensor c = a + b;                                 // b is repeated for both rows
  const Tensor d = a + Tensor::from({2, 1}, {100, 200});  // repeated for the three columns
  const Tensor s = sum_to(c, {3});                        // the sum over what was repeated
  //! [broadcast]
  for (const auto& [name, t] : {std::pair<const char*, Tensor>{"a + b", c}, {"a + column", d}, {"sum_to", s}}) {
    std::printf("%-10s %-6s", name, t.shape().str().c_str());
    for (Index i = 0; i < t.size(); ++i) std::printf(" %g", static_cast<double>(t.data()[i]));
    std::printf("\n");
  }
  try {
    a + Tensor::zeros({2});
  } catch (const ShapeError& error) {
    std::printf("%s\n", error.what());
  }
}

void ownership() {
  //! [pool]
  const Tensor x = Tensor::full({1000, 1000}, 1);
  Tensor y = x + x;  // the first one asks the system for memory
  const std::size_t before = pool_stats().system_calls;
  for (int i = 0; i < 1000; ++i) y = y * x + x;  // two new tensors of 4 MB each time
  const std::size_t asked = pool_stats().system_calls - before;
  //! [pool]
  const Tensor z = y;
  std::printf("2000 tensors of 4 MB: the system was asked %ld times\n", static_cast<long>(asked));
  std::printf("z = y: %s storage; y is %s\n", z.data() == y.data() ? "the same" : "another",
              y.unique() ? "its only owner" : "one of its owners");
  //! [eigen]
  const Tensor features = Tensor::full({1, 2, 2, 3}, 2);  // 2 x 2 pixels of 3 features
  const ConstMatrixMap rows = as_matrix(features);        // 4 rows of 3: the same memory
  const Tensor lengths = to_tensor(rows.rowwise().norm());
  //! [eigen]
  std::printf("Eigen sees %ld x %ld; the first pixel's length is %.3f\n", static_cast<long>(rows.rows()),
              static_cast<long>(rows.cols()), static_cast<double>(lengths.data()[0]));
}

}  // namespace

int main(int argc, char** argv) {
  return book::run_sections(argc, argv,
                            {{"row_major", row_major},
                             {"views", views},
                             {"memory", memory},
                             {"stride_cost", stride_cost},
                             {"channels", channels},
                             {"broadcasting", broadcasting},
                             {"ownership", ownership}});
}
