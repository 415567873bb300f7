// Pages in a browser: opened, used by a script as a person would, and what came of it.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/tools/program.h"

namespace fu::test {

inline bool has_browser() { return std::filesystem::exists("/usr/bin/chromium"); }

struct Opened {
  std::string dom, console;  // the document after its scripts have run; what the browser said about the page
};
inline Opened opened(const TempFolder& folder, const std::string& page) {
  const std::string command =
      "HOME='" + folder.path() +
      "' timeout 120 /usr/bin/chromium --headless --no-sandbox --disable-gpu --disable-quic" +
      " --no-first-run --disable-background-networking --disable-component-update --disable-sync --user-data-dir='" +
      (folder / "profile") + "' --enable-logging=stderr --virtual-time-budget=10000 --dump-dom 'file://" +
      (folder / page) + "' >'" + (folder / "dom") + "' 2>'" + (folder / "console") + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  Opened page_opened{slurp(folder / "dom"), ""};
  std::ifstream console(folder / "console");
  for (std::string line; std::getline(console, line);)
    // The last: advice on reading pixels often, which only the test does.
    if (contains(line, "CONSOLE") && !contains(line, "willReadFrequently")) page_opened.console += line + "\n";
  return page_opened;
}

/// What came of using a page with mouse and keyboard: a script of tests/tools/media leaves it as JSON in the document's
/// data-report (see touch_common.js). "console": what the browser said.
inline nlohmann::json touched(const TempFolder& folder, std::string page, const std::string& script) {
  // The page's policy stays as it is, but for this one script.
  const std::string policy = "script-src ", media = std::string(FU_SOURCE_DIR) + "/tests/tools/media/";
  const std::size_t at = page.find(policy);
  REQUIRE(at != std::string::npos);
  page.insert(at + policy.size(), "'nonce-test' ");
  std::ofstream(folder / "touched.html") << page << "<script nonce=\"test\">" << slurp(media + "touch_common.js")
                                         << slurp(media + script) << "</script>";
  const Opened result = opened(folder, "touched.html");
  const std::string &dom = result.dom, &console = result.console;
  const std::string name = "data-report=\"";
  const std::size_t begin = dom.find(name);
  CAPTURE(console);
  REQUIRE(begin != std::string::npos);
  std::string text = dom.substr(begin + name.size(), dom.find('"', begin + name.size()) - begin - name.size());
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"&quot;", "\""}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}})
    for (std::size_t i = 0; (i = text.find(from, i)) != std::string::npos; ++i) text.replace(i, from.size(), to);
  nlohmann::json report = nlohmann::json::parse(text);
  report["console"] = console;
  return report;
}

/// The data that are written into a page.
inline nlohmann::json data_of(const std::string& page) {
  const std::string mark = "id=\"data\">";
  const std::size_t begin = page.find(mark) + mark.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

}  // namespace fu::test
