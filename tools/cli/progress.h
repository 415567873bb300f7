// What a waiting user sees: a bar with the time left on a terminal, plain lines elsewhere, nothing for work of under a
// second.
#pragma once

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
  std::string title_;
  bool quiet_, terminal_, drawn_ = false;
  double start_, last_print_ = 0;  // moments, and seconds after start_
};

/// Seconds since some fixed moment. Never less than before, also if the machine's clock is set back: waking up, or
/// moving to another machine, does that to guests of some hypervisors.
double now_seconds();

}  // namespace fu
