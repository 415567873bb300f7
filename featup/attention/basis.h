// AnyUp's profile of features of any number of channels.
#pragma once

#include "layers/module.h"

namespace fu {

/// Every channel by itself is convolved with n filters, with zeros beyond the borders, and divided by the number of
/// taps inside the map: C x n numbers a position, listed channel by channel. The authors' code reads that list as n
/// rows of C numbers, takes the softmax over the n rows and the mean over the C columns; published weights were learned
/// with it. x (1,h,w,C), basis (n,k,k,1), k odd -> (1,h,w,n). memory: C n reals a thread, and the result.
Tensor basis_profile(const Tensor& x, const Tensor& basis);

/// 1 / the number of taps of a k x k filter that lie inside of a map: (1,h,w,1).
Tensor inverse_taps(Index h, Index w, Index k);

/// The same by ops that can be recorded. memory: C n reals a position.
template <class X>
X recorded_basis_profile(const X& x, const X& basis) {
  const Index h = x.dim(1), w = x.dim(2), c = x.dim(3), n = basis.dim(0), k = basis.dim(1);
  const X each = conv2d(permute(x, {3, 1, 2, 0}), basis, X(Tensor()), 1, k / 2) * X(inverse_taps(h, w, k));
  const X lists = reshape(permute(each, {1, 2, 0, 3}), {h * w, n, c});
  return reshape(mean(softmax(lists, 1), -1), {1, h, w, n});
}

}  // namespace fu
