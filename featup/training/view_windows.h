// The downsampler's windows on jittered views of a map, without computing the views.
//
// Jitter and blur are a sparse matrix along rows and one along columns. So a window on a blurred, jittered view depends
// on a rectangle of the map itself. onto_map() multiplies the windows' weights by the transposes of the two matrices,
// which gives weights on these rectangles; the map is then pooled directly. see() computes the windows' pixels of one
// channel by the same matrices. Each of the two is the other's backward pass.
#pragma once

#include <memory>
#include <vector>

#include "autograd/ops.h"
#include "featup/photo/jitter.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Where the windows on some views of a map lie.
class ViewWindows {
 public:
  /// Windows of kernel x kernel pixels, h x w of them on every view of a map of map_h x map_w. throws ShapeError if one
  /// does not fit. published: see window_starts(). blur: a 5x5 Gaussian follows the jitter. image: the size at which
  /// the jitters were drawn; 0 x 0 for the map's own. If it is another size, resizing the map to it is part of the
  /// matrices.
  ViewWindows(const std::vector<Jitter>& jitters, Index map_h, Index map_w, Index h, Index w, Index kernel,
              bool published, bool blur, Extent image = {});

  /// The windows' pixels of one channel of the map, (1,H,W,1) -> (windows, kernel^2), view after view. keep (windows),
  /// or of size 0: where it is 0, the window is skipped, and its pixels are undefined.
  Var see(const Var& channel, const Tensor& keep) const;
  /// The windows' weights (windows, kernel^2) as weights of rectangles() on the map.
  Var onto_map(const Var& weights) const;
  const std::shared_ptr<const Rectangles>& rectangles() const { return rectangles_; }
  Index count() const { return rectangles_->count(); }

 private:
  /// One axis of a view: of every window, first and count of map positions that it reads.
  struct Axis {
    AxisMap map;
    std::vector<Index> starts, first, count;
  };
  struct Scratch;
  struct Plan {
    Index kernel = 0, cells = 0;
    std::vector<Axis> rows, cols;  // of each view
    template <class F>
    void each_window(const F& f) const;
  };
  static Axis axis_of(AxisMap map, const std::vector<Index>& starts, Index kernel);
  static Tensor fetch(const Plan& plan, const Rectangles& rectangles, const Tensor& values, bool whole_map,
                      const Tensor& keep);
  static Tensor carry(const Plan& plan, const Rectangles& rectangles, const Tensor& weights, const Tensor& keep);

  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const Rectangles> rectangles_;
};

}  // namespace fu
