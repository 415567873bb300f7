// Resizes a map whose rows come one after another, so that the map at its first size never exists as a whole.
#pragma once

#include <functional>

#include "core/ops/resample.h"
#include "core/progress.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// A run of rows, first to one past the last.
struct RowRange {
  Index begin = 0, end = 0;
};

/// Antialiased resize (bilinear where it enlarges) of a map (height,width,C) whose rows come from top to bottom.
class StreamedResize {
 public:
  /// Writes rows [begin, end) of the map, (end - begin,width,C). Both are even, or `end` is the last; each row once.
  using MakeRows = std::function<void(Index begin, Index end, real* out)>;

  StreamedResize(Extent from, Extent to, Index channels);
  /// out (to.height,to.width,C). memory: the rows that 16 rows of the result are made of.
  void run(const MakeRows& make_rows, real* out, const Progress& progress);

 private:
  RowRange rows_needed(RowRange result) const;
  Index window_rows() const;
  void advance(RowRange need, const MakeRows& make_rows);

  Extent from_, to_;
  Index channels_;
  AxisMap rows_, cols_;
  Tensor window_;  // rows have_ of the map
  RowRange have_;
};

}  // namespace fu
