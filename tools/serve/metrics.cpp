#include "tools/serve/metrics.h"

#include "core/error.h"
#include "core/pool.h"
#include "core/system.h"
#include "featup/version.h"

namespace fu {

namespace {

std::string head(const char* name, const char* kind, const char* help) {
  return cat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n");
}

template <class T>
std::string gauge(const char* name, const char* help, const T& value) {
  return cat(head(name, "gauge", help), name, " ", value, "\n");
}

}  // namespace

void Metrics::answered(const std::string& route, int status) {
  const std::lock_guard<std::mutex> lock(guard_);
  ++answers_[{route, status}];
}

void Metrics::computed(const std::string& route, double seconds) {
  std::size_t bin = 0;
  while (bin + 1 < kBins && seconds > kBounds[bin]) ++bin;
  const std::lock_guard<std::mutex> lock(guard_);
  Times& times = times_[route];
  ++times.bins[bin];
  ++times.count;
  times.sum += seconds;
}

Metrics::Sums Metrics::sums() const {
  const std::lock_guard<std::mutex> lock(guard_);
  Sums sums;
  for (const auto& [key, count] : answers_) {
    sums.answers += count;
    if (key.second >= 400) sums.errors += count;
  }
  return sums;
}

std::string Metrics::text(const Load& load) const {
  const Sums all = sums();
  const PoolStats pool = pool_stats();
  std::string text = head("featup_requests_total", "counter", "Answers, by path and status.");
  const std::lock_guard<std::mutex> lock(guard_);
  for (const auto& [key, count] : answers_)
    text += cat("featup_requests_total{path=\"", key.first, "\",status=\"", key.second, "\"} ", count, "\n");
  text += cat(head("featup_errors_total", "counter", "Answers of status 400 or more."), "featup_errors_total ",
              all.errors, "\n");
  text += head("featup_compute_seconds", "histogram", "Time to compute an answer, without waiting and transfer.");
  for (const auto& [route, times] : times_) {
    const std::string label = "{path=\"" + route + "\"";
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBins; ++i) {
      below += times.bins[i];
      const std::string bound = i + 1 < kBins ? cat(kBounds[i]) : std::string("+Inf");
      text += cat("featup_compute_seconds_bucket", label, ",le=\"", bound, "\"} ", below, "\n");
    }
    text += cat("featup_compute_seconds_sum", label, "} ", times.sum, "\n");
    text += cat("featup_compute_seconds_count", label, "} ", times.count, "\n");
  }
  return text + gauge("featup_requests_running", "Requests that are computed now.", load.running.load()) +
         gauge("featup_requests_waiting", "Requests that are complete and wait.", load.waiting.load()) +
         gauge("featup_places_taken", "Requests between their head and the end of their answer.", load.taken.load()) +
         gauge("featup_places", "Requests that are taken at a time at most.", load.places) +
         gauge("featup_tensor_bytes", "Memory of tensors in use.", pool.live) +
         gauge("featup_cached_bytes", "Memory of tensors that is kept for reuse.", pool.cached) +
         gauge("process_resident_memory_bytes", "Resident memory of the process.", os::resident_memory()) +
         cat(head("featup_info", "gauge", "The program's version."), "featup_info{version=\"" FEATUP_VERSION "\"} 1\n");
}

}  // namespace fu
