// The downsampler's windows on jittered views of a map, without the views.
//
// A window on a blurred, jittered copy of the map reads some rectangle of the map itself: blur and jitter are one
// sparse matrix along rows and one along columns. So a window's weights are carried back through these two onto the
// map, once, and no copy of the map is ever made; what the windows see of one channel is fetched the same way. The two
// are each other's transposes, and so each other's gradients.
#pragma once

#include <memory>
#include <vector>

#include "autograd/ops.h"
#include "featup/photo/jitter.h"
#include "featup/photo/preprocess.h"

namespace fu {

class ViewWindows {
 public:
  /// kernel x kernel windows, h x w of them on every view of a map of map_h x map_w; throws ShapeError if one does not
  /// fit. `published`: see window_starts(). blur: the downsampler's 5x5 Gaussian comes after the jitter. image: what
  /// was jittered; 0 x 0 for the map's own size, else the map is brought to that size first, without ever existing
  /// there.
  ViewWindows(const std::vector<Jitter>& jitters, Index map_h, Index map_w, Index h, Index w, Index kernel,
              bool published, bool blur, Extent image = {});

  /// What the windows see of one channel of the map, (1,H,W,1) -> (windows, kernel^2), views one after another. keep
  /// (windows), or of size 0: where it is 0, nobody looks, and what is written is undefined.
  Var see(const Var& channel, const Tensor& keep) const;
  /// The windows' weights, (windows, kernel^2), carried onto the map: weights of rectangles().
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
