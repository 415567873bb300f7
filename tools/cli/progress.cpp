#include "tools/cli/progress.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "core/files/bytes.h"
#include "core/system.h"

namespace fu {

namespace {

constexpr double kFirst = 1, kTerminalStep = 0.1, kPlainStep = 5;  // seconds

std::string clock_text(double seconds) {
  const long s = static_cast<long>(seconds + 0.5);
  char text[32];
  std::snprintf(text, sizeof text, s >= 3600 ? "%ld:%02ld:%02ld" : "%ld:%02ld", s >= 3600 ? s / 3600 : s / 60,
                s >= 3600 ? s / 60 % 60 : s % 60, s % 60);
  return text;
}

}  // namespace

double now_seconds() {
  static std::mutex guard;
  static double last = 0, lost = 0;
  const double clock = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  const std::lock_guard<std::mutex> lock(guard);
  lost += std::max(0.0, last - clock);
  last = clock;
  return clock + lost;
}

ProgressBar::ProgressBar(const std::string& title, bool quiet)
    : title_(shown(title)), quiet_(quiet), terminal_(os::is_terminal(os::kStandardError)), start_(now_seconds()) {}

void ProgressBar::update(double fraction, const std::string& what) {
  const double t = now_seconds() - start_;
  if (quiet_ || t < kFirst || t - last_print_ < (terminal_ ? kTerminalStep : kPlainStep) * (last_print_ > 0)) return;
  last_print_ = t;
  fraction = std::clamp(fraction, 0.0, 1.0);
  const std::string left = fraction > 0.02 ? clock_text(t * (1 - fraction) / fraction) + " left" : "";
  if (terminal_) {
    constexpr int kWidth = 30;
    std::string bar(kWidth, '.');
    std::fill_n(bar.begin(), static_cast<int>(fraction * kWidth), '#');
    std::fprintf(stderr, "\r%s [%s] %3.0f%% %s %s\033[K", title_.c_str(), bar.c_str(), fraction * 100, what.c_str(),
                 left.c_str());
    std::fflush(stderr);
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s: %.0f%% %s%s%s\n", title_.c_str(), fraction * 100, what.c_str(), left.empty() ? "" : ", ",
                 left.c_str());
  }
}

void ProgressBar::finish() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace fu
