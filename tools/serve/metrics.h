// What the server counts, and how Prometheus reads it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace fu {

/// How busy the server is now.
struct Load {
  int places = 0;               // requests that may be taken at a time: those computed, and those that wait
  std::atomic<int> taken{0};    // from their head to the end of their answer
  std::atomic<int> waiting{0};  // complete, and not begun
  std::atomic<int> running{0};  // computed just now
  std::atomic<bool> stopping{false};
};

/// Counters since the start. Any thread may use them.
class Metrics {
 public:
  /// An answer was given. route: a path of the server, or "other".
  void answered(const std::string& route, int status);
  /// A request was computed, in so many seconds.
  void computed(const std::string& route, double seconds);

  struct Sums {
    std::uint64_t answers = 0, errors = 0;  // errors: of status 400 or more
  };
  Sums sums() const;

  /// In Prometheus' text format, with the process's memory. source: prometheus.io/docs/instrumenting/exposition_formats
  std::string text(const Load& load) const;

 private:
  static constexpr double kBounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  static constexpr std::size_t kBins = sizeof kBounds / sizeof kBounds[0] + 1;
  struct Times {
    std::uint64_t bins[kBins] = {};  // of times up to the bound, and above the bound before; the last is above all
    std::uint64_t count = 0;
    double sum = 0;
  };

  mutable std::mutex guard_;
  std::map<std::pair<std::string, int>, std::uint64_t> answers_;
  std::map<std::string, Times> times_;
};

}  // namespace fu
