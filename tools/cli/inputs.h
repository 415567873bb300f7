// A command that does the same to each of many inputs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/cli/arguments.h"
#include "tools/cli/report.h"

namespace fu {

struct ManyInputs {
  std::vector<std::string> inputs;
  bool skip_finished = false;
  std::function<std::string(std::size_t)> last_output;  // the file that is written last for input i
};

/// Runs `each` for every input. One that fails is reported and does not stop the others. Returns the exit code: 1 if
/// any failed.
int for_each_input(const ManyInputs& many, const CommonArgs& common, Report& report,
                   const std::function<void(std::size_t)>& each);

/// Says what folders held besides pictures: a note, and "left_out" in the report. Nothing for an empty text.
void report_left_out(Report& report, const std::string& left_out, const CommonArgs& common);

/// Adds what is known of one input's result to the report: "in_size", "lr_size" and so on of the first input at its
/// top, and of all inputs, if there are several, under "images".
void report_one(Report& report, const std::string& input, bool first, bool several,
                const nlohmann::ordered_json& known);

}  // namespace fu
