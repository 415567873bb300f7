// Several processes that share one training: MPI where it was built in, else the one process there is.
#pragma once

#include <vector>

#include "core/base.h"

namespace fu {

class Ranks {
 public:
  /// Joins the others that mpirun started. Throws UsageError if there are others, but the program was built without
  /// MPI.
  Ranks();
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  Index rank() const { return rank_; }
  Index count() const { return count_; }
  bool first() const { return rank_ == 0; }
  /// Sums of everybody's values, for everybody; all must call it with as many.
  void sum(std::vector<real>& values) const;

 private:
  Index rank_ = 0, count_ = 1;
};

}  // namespace fu
