#include "tools/cli/report.h"

#include <cstdio>

#include "core/isa.h"
#include "core/parallel.h"
#include "core/system.h"
#include "tools/cli/errors.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"

namespace fu {

Report::Report(const std::string& command, const std::vector<std::string>& inputs, bool json)
    : prints_(json), start_(now_seconds()), last_(start_) {
  json_["command"] = command;
  json_["inputs"] = inputs;
}

namespace {

/// JSON that can be printed: the library escapes control characters below 32 alone. The others, up to 159, stand only
/// in texts.
std::string json_text(const nlohmann::ordered_json& json) {
  const std::string text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; };
    const bool second = byte(i) == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xa0;
    if (byte(i) != 0x7f && !second) {
      safe += text[i];
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", second ? byte(++i) : byte(i));
    safe += escape;
  }
  return safe;
}

}  // namespace

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
  json_["peak_rss_mb"] = static_cast<double>(os::peak_resident_memory()) / (1 << 20);
  if (prints_) std::fprintf(output_for_text(), "%s\n", json_text(json_).c_str());
}

}  // namespace fu
