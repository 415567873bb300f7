// A stack's levels over one image, a band of rows at a time.
#pragma once

#include <vector>

#include "featup/jbu/jbu_stack.h"

namespace fu {

/// Runs `count` levels over one image. The maps between levels exist only for the rows of the current band. Levels
/// beyond the stack's last repeat the last one.
///   source (1,h,w,C), guidance (1,H,W,g) -> (1, h 2^count, w 2^count, C)
/// The guidance is average-pooled to each level's size.
/// memory: the result plus a constant times its width. A stack with smoothing also keeps the map after its second
/// level, a sixteenth of the numbers that four levels make (with two levels, it is the result), and 14 numbers a pixel
/// of it. throws ShapeError if the guidance is smaller than the result and `any_guidance` is not set.
class JbuRun {
 public:
  JbuRun(const JbuStack& stack, const Tensor& source, const Tensor& guidance, int count, bool any_guidance = false);
  ~JbuRun();

  Index height() const;
  Index width() const;
  /// Rows [begin, end) of the result, (end - begin, width, C). Calls go from top to bottom, without gap or overlap;
  /// both numbers are even.
  void rows(Index begin, Index end, real* out);
  /// Rows of one call for which memory and time are both small.
  Index band() const;
  /// The whole result, (1,height,width,C).
  Tensor all();

 private:
  struct Level;
  void produce(std::size_t level, Index keep, Index end, real* out);

  Tensor source_;  // of the first of levels_; the result where there are none
  Index channels_ = 0, height_ = 0, width_ = 0, band_ = 0, made_ = 0;
  std::vector<Level> levels_;
};

}  // namespace fu
