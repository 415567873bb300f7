// Calls of the library of many kinds and sizes, on models that all callers share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fu::soak {

/// One kind of call. run() may be called from any number of threads at once. It returns a number of all bits of the
/// result, or of the error's text where an error is wanted: the same each time. throws where a call fails that must
/// not.
struct Job {
  std::string name;
  std::function<std::uint64_t()> run;
};

struct Models;

/// The jobs, with the models and pictures that they share, and a folder for files, which is removed at the end.
class Work {
 public:
  Work();
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  const std::vector<Job>& jobs() const { return jobs_; }

 private:
  void add_upsamplings();
  void add_results();
  void add_fits();
  void add_errors();
  void add_cpp();

  std::unique_ptr<Models> models_;
  std::vector<Job> jobs_;
};

}  // namespace fu::soak
