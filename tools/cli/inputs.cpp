#include "tools/cli/inputs.h"

#include <cstdio>
#include <filesystem>
#include <new>

#include "tools/cli/errors.h"
#include "tools/cli/say.h"

namespace fu {

int for_each_input(const ManyInputs& many, const CommonArgs& common, Report& report,
                   const std::function<void(std::size_t)>& each) {
  int failures = 0, skipped = 0;
  for (std::size_t i = 0; i < many.inputs.size(); ++i) {
    std::error_code none;
    if (many.skip_finished && std::filesystem::exists(many.last_output(i), none)) {
      ++skipped;
      continue;
    }
    try {
      each(i);
    } catch (const std::bad_alloc&) {
      print_error(many.inputs[i] + ": out of memory. Ask for a smaller result.");
      ++failures;
    } catch (const std::exception& error) {
      print_error(error.what());
      ++failures;
    }
  }
  if (many.skip_finished) report["skipped"] = skipped;
  if (skipped > 0 && common.prints_text()) say("%d of %zu inputs were finished before\n", skipped, many.inputs.size());
  if (failures > 0 && many.inputs.size() > 1)
    std::fprintf(stderr, "featup: %d of %zu inputs failed\n", failures, many.inputs.size());
  return failures > 0 ? 1 : 0;
}

void report_left_out(Report& report, const std::string& left_out, const CommonArgs& common) {
  if (left_out.empty()) return;
  report["left_out"] = left_out;
  if (!common.quiet) print_note(left_out);
}

void report_one(Report& report, const std::string& input, bool first, bool several,
                const nlohmann::ordered_json& known) {
  nlohmann::ordered_json one = {{"input", input}};
  for (const auto& [key, value] : known.items()) {
    one[key] = value;
    if (first) report[key] = value;
  }
  if (several) report["images"].push_back(one);
}

}  // namespace fu
