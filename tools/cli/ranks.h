// Several processes that share one training: MPI where it was built in, else the one process there is.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <vector>

#include "core/base.h"

namespace fu {

/// Another process failed, and prints its error. This one ends with exit code 1, without a word.
struct OtherFailed : std::exception {};

class Ranks {
 public:
  /// Joins the others that mpirun started. throws UsageError if there are others, but the program was built without
  /// MPI, or with another MPI than theirs: each would train alone, into the same file.
  Ranks();
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  Index rank() const { return rank_; }
  Index count() const { return count_; }
  bool first() const { return rank_ == 0; }
  /// Whether an error of all is for this process to print: the first one does; where that one has ended, the next of
  /// those on its machine.
  bool speaks() const;

  /// Sums of everybody's values, for everybody; all must call it with as many. while_waiting is called again and again
  /// if others are late.
  void sum(std::vector<double>& values, const std::function<void()>& while_waiting = {}) const;
  /// Whether everybody gives the same value; all must call it.
  bool same(std::uint64_t value) const;
  /// Runs `work`, and returns when all have run theirs; all must call it. If it threw anywhere, nobody goes on: the
  /// error comes out in the first process that has one, and OtherFailed in the others. while_waiting is called again
  /// and again until the last one is done.
  void together(const std::function<void()>& work, const std::function<void()>& while_waiting = {}) const;

 private:
  struct Neighbour {
    int rank, process;  // the number that the system knows it by
  };

  Index rank_ = 0, count_ = 1;
  std::vector<Neighbour> neighbours_;  // processes on this machine, itself included
};

}  // namespace fu
