// Attention of the pixels of a fine map to the cells of a coarse one.
#pragma once

#include <vector>

#include "core/kernels/types.h"
#include "core/tensor.h"

namespace fu {

/// Which cells of a map (h,w) each pixel of a map (height,width) looks at: a rectangle.
struct CellWindows {
  Index height = 0, width = 0, h = 0, w = 0;
  std::vector<CellRun> rows, cols;
};

/// All cells.
CellWindows all_cells(Index height, Index width, Index h, Index w);
/// Cells within `ratio` of the map's height and width around the pixel, as AnyUp counts them: with r the pixel's centre
/// in [0,1], from floor(clamp(r - ratio) h) up to ceil(clamp(r + ratio) h), and the same along columns. Computed in
/// float whatever `real` is, because a product that rounds to a whole number decides about a cell.
CellWindows cells_within(Index height, Index width, Index h, Index w, float ratio);
/// n x n cells around the cell under the centre of the pixel, moved inside where they would leave the map; all of it
/// along an axis of fewer cells. source: NAF (arXiv 2511.18452)
CellWindows nearest_cells(Index height, Index width, Index h, Index w, Index n);

/// Softmax attention of each pixel to the cells of its window: weights = softmax over cells of q . k / sqrt(d), for
/// each head; y = weighted sum of v. See HeadUse for what v's channels and heads have to do with each other.
///   q (1,height,width,heads*d), k (1,h,w,heads*d), v (1,h,w,C), or (heads,h,w,C) for HeadUse::sum
///   ->  (1,height,width,C)
/// cost: cells of a window * (heads d + C) multiply-adds a pixel. memory: the result, and some windows of keys and
/// values. throws ShapeError.
Tensor cell_attention(const Tensor& q, const Tensor& k, const Tensor& v, const CellWindows& windows, Index heads,
                      HeadUse use = HeadUse::mean);
/// The kernel's arguments, after the checks above. The tensors and windows must outlive them.
CellAttentionArgs cell_attention_args(const Tensor& q, const Tensor& k, const Tensor& v, const CellWindows& windows,
                                      Index heads, HeadUse use);

}  // namespace fu
