// Tensors seen as Eigen matrices and arrays, and tensors made from Eigen expressions. This is the only header of the
// library that includes Eigen. Who includes it needs Eigen 3.4 on the include path: find_package(Eigen3) gives it.
#pragma once

#include <Eigen/Core>

#include "core/tensor.h"

namespace fu {

/// Row-major, as tensors are. `real` is float unless the library was built with -DFU_REAL=double.
using RowMatrix = Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowArray = Eigen::Array<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::Matrix<real, Eigen::Dynamic, 1>;

/// Views: they point into memory that somebody else owns, and copy nothing.
using MatrixMap = Eigen::Map<RowMatrix>;
using ConstMatrixMap = Eigen::Map<const RowMatrix>;
using ArrayMap = Eigen::Map<RowArray>;
using ConstArrayMap = Eigen::Map<const RowArray>;
using VectorMap = Eigen::Map<Vector>;
using ConstVectorMap = Eigen::Map<const Vector>;
using PlaneMap = Eigen::Map<RowMatrix, Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
using ConstPlaneMap = Eigen::Map<const RowMatrix, Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;

/// Memory of rows * cols reals, row after row, as a matrix or an array.
inline MatrixMap as_matrix(real* data, Index rows, Index cols) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols)};
}
inline ConstMatrixMap as_matrix(const real* data, Index rows, Index cols) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols)};
}
inline ArrayMap as_array(real* data, Index rows, Index cols) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols)};
}
inline ConstArrayMap as_array(const real* data, Index rows, Index cols) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols)};
}
/// n reals as a column vector.
inline VectorMap as_vector(real* data, Index n) { return {data, static_cast<Eigen::Index>(n)}; }
inline ConstVectorMap as_vector(const real* data, Index n) { return {data, static_cast<Eigen::Index>(n)}; }

namespace detail {

/// Rows of a tensor (..,C): the product of all sizes but the last.
inline Index rows_of(const char* op, const Shape& shape) {
  require<ShapeError>(shape.rank() >= 1, "[", op, "] x ", shape,
                      " is a scalar; rows and columns need at least one axis. Use item(), or reshape it to (1).");
  return shape.elements(0, shape.rank() - 1);
}

/// Position of an image's channel in memory, and the steps from row to row and from column to column.
struct Plane {
  Index offset = 0, height = 0, width = 0, channels = 0;
  Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic> stride() const {
    return {static_cast<Eigen::Index>(width * channels), static_cast<Eigen::Index>(channels)};
  }
};

inline Plane plane_of(const Shape& shape, Index image, Index channel) {
  const int rank = shape.rank();
  const bool ranks = rank == 3 || rank == 4;
  const Index images = rank == 4 ? shape[0] : 1;
  require<ShapeError>(ranks && image >= 0 && image < images && channel >= 0 && channel < shape[-1], "[as_plane] image ",
                      image, ", channel ", channel, " of x ", shape,
                      ": x must be (H,W,C) or (B,H,W,C), and have that image and that channel.");
  const Index h = shape[-3], w = shape[-2], c = shape[-1];
  return {image * h * w * c + channel, h, w, c};
}

}  // namespace detail

/// A tensor x (..,C) as a matrix or array of rows x C, where rows is the product of the other sizes: the pixels of an
/// image (B,H,W,C) are B*H*W rows of C features.
/// Copies nothing: the view points at x.data(). It is valid as long as x, or a tensor that shares its storage, exists.
/// Writing through a view of a tensor that is not const writes the tensor and all that share its storage, as x.data()
/// does. throws ShapeError for a scalar.
/// @code
/// Tensor x = Tensor::full({1, 4, 4, 8}, 2);           // an image: 16 pixels of 8 channels
/// const RowArray sums = as_array(x).rowwise().sum();  // of each pixel
/// as_matrix(x).row(3).setZero();                      // writes the tensor
/// assert(sums(0, 0) == 16 && x.data()[3 * 8] == 0);
/// @endcode
inline MatrixMap as_matrix(Tensor& x) {
  const Index rows = detail::rows_of("as_matrix", x.shape());
  return as_matrix(x.data(), rows, x.dim(-1));
}
inline ConstMatrixMap as_matrix(const Tensor& x) {
  const Index rows = detail::rows_of("as_matrix", x.shape());
  return as_matrix(x.data(), rows, x.dim(-1));
}
inline ArrayMap as_array(Tensor& x) {
  const Index rows = detail::rows_of("as_array", x.shape());
  return as_array(x.data(), rows, x.dim(-1));
}
inline ConstArrayMap as_array(const Tensor& x) {
  const Index rows = detail::rows_of("as_array", x.shape());
  return as_array(x.data(), rows, x.dim(-1));
}
/// All elements of a tensor of any shape, as one column vector. Copies nothing.
inline VectorMap as_vector(Tensor& x) { return as_vector(x.data(), x.size()); }
inline ConstVectorMap as_vector(const Tensor& x) { return as_vector(x.data(), x.size()); }

/// One channel of an image x (H,W,C) or (B,H,W,C) as a matrix of H x W. Copies nothing: from one column to the next are
/// C reals. throws ShapeError for another rank, or if there is no such image or channel.
inline PlaneMap as_plane(Tensor& x, Index channel, Index image = 0) {
  const detail::Plane p = detail::plane_of(x.shape(), image, channel);
  return {x.data() + p.offset, static_cast<Eigen::Index>(p.height), static_cast<Eigen::Index>(p.width), p.stride()};
}
inline ConstPlaneMap as_plane(const Tensor& x, Index channel, Index image = 0) {
  const detail::Plane p = detail::plane_of(x.shape(), image, channel);
  return {x.data() + p.offset, static_cast<Eigen::Index>(p.height), static_cast<Eigen::Index>(p.width), p.stride()};
}

/// A view of a tensor that nobody holds would point at freed memory: give the tensor a name first.
void as_matrix(const Tensor&&) = delete;
void as_array(const Tensor&&) = delete;
void as_vector(const Tensor&&) = delete;
void as_plane(const Tensor&&, Index, Index = 0) = delete;

/// A tensor (rows, cols) with the values of an Eigen expression of any scalar type and storage order; (n) if it is a
/// vector at compile time. The values are written once, straight into the tensor's own storage: an expression is
/// evaluated there, a matrix is copied.
template <class Derived>
Tensor to_tensor(const Eigen::MatrixBase<Derived>& expression) {
  const Index rows = expression.rows(), cols = expression.cols();
  Tensor y(Derived::IsVectorAtCompileTime ? Shape{rows * cols} : Shape{rows, cols});
  as_matrix(y.data(), rows, cols).noalias() = expression.template cast<real>();
  return y;
}
template <class Derived>
Tensor to_tensor(const Eigen::ArrayBase<Derived>& expression) {
  return to_tensor(expression.matrix());
}
/// The same values, row after row, under a shape of as many elements: features of rows x C as an image (1,H,W,C).
/// throws ShapeError if the sizes differ.
template <class Derived>
Tensor to_tensor(const Eigen::DenseBase<Derived>& expression, const Shape& shape) {
  require<ShapeError>(shape.elements() == static_cast<Index>(expression.size()), "[to_tensor] ", expression.rows(), "x",
                      expression.cols(), " values to shape ", shape,
                      ": the numbers of elements must be equal. Give a shape of ", expression.size(), " elements.");
  return to_tensor(expression.derived()).reshape(shape);
}

}  // namespace fu
