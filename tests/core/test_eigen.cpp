#include "core/eigen.h"

#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// 0, 1, 2, ... in a tensor.
Tensor counted(const Shape& shape) {
  Tensor t(shape);
  for (Index i = 0; i < t.size(); ++i) t.data()[i] = static_cast<real>(i);
  return t;
}

}  // namespace

TEST_CASE("eigen: a view has the tensor's pointer, its rows and its channels") {
  Tensor image = counted({2, 3, 4, 5});
  const Tensor& fixed = image;
  CHECK(as_matrix(image).data() == image.data());
  CHECK(as_matrix(fixed).data() == image.data());
  CHECK(as_array(image).data() == image.data());
  CHECK(as_array(fixed).data() == image.data());
  CHECK(as_vector(image).data() == image.data());
  CHECK(as_vector(fixed).size() == 120);
  CHECK(as_matrix(fixed).rows() == 24);
  CHECK(as_matrix(fixed).cols() == 5);
  CHECK(as_matrix(fixed)(7, 3) == 7 * 5 + 3);
  CHECK(as_matrix(counted({6}).reshape({6, 1}).data(), 2, 3)(1, 2) == 5);
  const Tensor row = counted({4});
  CHECK(as_matrix(row).rows() == 1);
  CHECK(as_matrix(row).cols() == 4);
}

TEST_CASE("eigen: writing through a view writes the tensor, also what shares its storage") {
  Tensor x = Tensor::zeros({2, 2, 3});
  const Tensor shared = x;
  as_matrix(x).row(2).setConstant(7);
  as_array(x).col(1) += 1;
  as_vector(x)(11) = 5;
  const Tensor expected = Tensor::from({2, 2, 3}, {0, 1, 0, 0, 1, 0, 7, 8, 7, 0, 1, 5});
  CHECK(same_bits(x, expected));
  CHECK(same_bits(shared, expected));
  CHECK(std::is_same<decltype(as_matrix(shared)), ConstMatrixMap>::value);
  CHECK(std::is_same<decltype(as_matrix(x)), MatrixMap>::value);
}

TEST_CASE("eigen: a channel of an image is a matrix of its rows and columns") {
  Tensor images = counted({2, 3, 4, 5});
  const Tensor& fixed = images;
  const ConstPlaneMap plane = as_plane(fixed, 3, 1);
  CHECK(plane.rows() == 3);
  CHECK(plane.cols() == 4);
  CHECK(plane.data() == images.data() + 60 + 3);
  CHECK(plane(2, 1) == 60 + (2 * 4 + 1) * 5 + 3);
  as_plane(images, 0).setZero();
  CHECK(as_plane(fixed, 0).sum() == 0);
  CHECK(images.data()[1] == 1);
  const Tensor depth = counted({3, 4, 1});
  CHECK(as_plane(depth, 0)(2, 3) == 11);
}

TEST_CASE("eigen: a tensor is made from matrices and arrays of any order, scalar and expression") {
  Eigen::MatrixXd columns(2, 3);  // Eigen's own order: columns one after another
  columns << 1, 2, 3, 4, 5, 6;
  CHECK(same_bits(to_tensor(columns), Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6})));
  CHECK(same_bits(to_tensor(columns.transpose()), Tensor::from({3, 2}, {1, 4, 2, 5, 3, 6})));
  CHECK(same_bits(to_tensor(columns.array() * 2 + 1), Tensor::from({2, 3}, {3, 5, 7, 9, 11, 13})));
  CHECK(same_bits(to_tensor(columns * columns.transpose()), Tensor::from({2, 2}, {14, 32, 32, 77})));
  CHECK(same_bits(to_tensor(columns, {1, 1, 3, 2}), Tensor::from({1, 1, 3, 2}, {1, 2, 3, 4, 5, 6})));
  CHECK(same_bits(to_tensor(columns.array(), {6}), Tensor::from({6}, {1, 2, 3, 4, 5, 6})));
  CHECK(same_bits(to_tensor(Eigen::Vector3i(1, 2, 3)), Tensor::from({3}, {1, 2, 3})));
  CHECK(same_bits(to_tensor(columns.row(1)), Tensor::from({3}, {4, 5, 6})));
  const Tensor x = counted({4, 3});
  CHECK(same_bits(to_tensor(as_matrix(x)), x));
  CHECK(to_tensor(as_matrix(x)).data() != x.data());
  const Tensor products = to_tensor(as_matrix(x).transpose() * as_matrix(x));
  CHECK(products.shape() == Shape{3, 3});
  CHECK(products.data()[1] == 0 * 1 + 3 * 4 + 6 * 7 + 9 * 10);
}

TEST_CASE("eigen: the example of core/README.md") {
  const Index H = 3, W = 4, x = 2, y = 1;
  Tensor features = counted({1, H, W, 5});
  as_matrix(features).rowwise().normalize();
  const Vector query = as_matrix(features).row(y * W + x);
  const Tensor similarity = to_tensor(as_matrix(features) * query, {1, H, W, 1});
  CHECK(similarity.shape() == Shape{1, 3, 4, 1});
  CHECK(static_cast<double>(similarity.data()[y * W + x]) == doctest::Approx(1));
  CHECK(similarity.data()[0] < similarity.data()[y * W + x]);
}

TEST_CASE("eigen: nothing to see is seen as nothing") {
  Tensor none({3, 0, 4});
  CHECK(as_matrix(none).rows() == 0);
  CHECK(as_matrix(none).cols() == 4);
  CHECK(as_vector(none).size() == 0);
  const Tensor unset;
  CHECK(as_matrix(unset).size() == 0);
  CHECK(to_tensor(Eigen::MatrixXf(0, 5)).shape() == Shape{0, 5});
  CHECK(to_tensor(as_array(none), {2, 0}).shape() == Shape{2, 0});
}

TEST_CASE("eigen: errors name shapes, rule and remedy") {
  Tensor scalar = Tensor::full({}, 1), matrix = counted({2, 3});
  CHECK(message_of([&] { as_matrix(scalar); }) ==
        "[as_matrix] x () is a scalar; rows and columns need at least one axis. Use item(), or reshape it to (1).");
  CHECK(contains(message_of([&] { as_array(scalar); }), "[as_array] x ()"));
  CHECK(message_of([&] { as_plane(matrix, 0); }) ==
        "[as_plane] image 0, channel 0 of x (2,3): x must be (H,W,C) or (B,H,W,C), and have that image and that "
        "channel.");
  Tensor image = counted({1, 2, 2, 3});
  CHECK(contains(message_of([&] { as_plane(image, 3); }), "channel 3 of x (1,2,2,3)"));
  CHECK(contains(message_of([&] { as_plane(image, 0, 1); }), "image 1, channel 0"));
  CHECK(message_of([&] { to_tensor(Eigen::Matrix2f::Zero(), {5}); }) ==
        "[to_tensor] 2x2 values to shape (5): the numbers of elements must be equal. Give a shape of 4 elements.");
}
