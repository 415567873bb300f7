// What a waiting user sees: a bar with the time left on a terminal, plain lines elsewhere, nothing for work of under a
// second.
#pragma once

#include <chrono>
#include <string>

namespace fu {

class ProgressBar {
 public:
  /// `quiet`: never prints.
  ProgressBar(const std::string& title, bool quiet);
  ~ProgressBar() { finish(); }
  /// Share of the work done, 0 to 1; `what` names the stage.
  void update(double fraction, const std::string& what);
  /// Clears the bar.
  void finish();

 private:
  double seconds() const;

  std::string title_;
  bool quiet_, terminal_, drawn_ = false;
  double last_print_ = 0;
  std::chrono::steady_clock::time_point start_;
};

/// Seconds since some fixed moment.
double now_seconds();

}  // namespace fu
