#include "tools/cli/report.h"

#include <sys/resource.h>

#include <iostream>

#include "core/isa.h"
#include "core/parallel.h"
#include "tools/cli/errors.h"
#include "tools/cli/progress.h"

namespace fu {

Report::Report(const std::string& command, const std::vector<std::string>& inputs, bool json)
    : prints_(json), start_(now_seconds()), last_(start_) {
  json_["command"] = command;
  json_["inputs"] = inputs;
}

double Report::seconds() const { return now_seconds() - start_; }

void Report::stage(const std::string& name) {
  const double t = now_seconds();
  stages_[name] = (stages_.contains(name) ? stages_[name].get<double>() : 0.0) + t - last_;
  last_ = t;
}

void Report::print() {
  for (const std::string& line : notes_) print_note(line);
  json_["seconds"] = {{"total", seconds()}};
  for (const auto& [name, value] : stages_.items()) json_["seconds"][name] = value;
  json_["threads"] = threads();
  json_["isa"] = kernels().isa;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  json_["peak_rss_mb"] = static_cast<double>(usage.ru_maxrss) / 1024;
  if (prints_) std::cout << json_.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

}  // namespace fu
