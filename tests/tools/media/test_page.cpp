// The page for the browser: what is in it, and how it behaves there.
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr const char* kBrowser = "/usr/bin/chromium";

/// The document of a page after its scripts have run, as the browser writes it.
std::string opened(const TempFolder& folder, const std::string& page) {
  const std::string browser =
      "HOME='" + folder.path() + "' timeout 120 " + kBrowser +
      " --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
      "--disable-component-update --disable-sync --user-data-dir='" + (folder / "profile") +
      "' --virtual-time-budget=10000 --dump-dom 'file://" + (folder / page) + "' >'" + (folder / "dom") +
      "' 2>/dev/null";
  REQUIRE(std::system(browser.c_str()) == 0);
  return slurp(folder / "dom");
}

/// What came of using the page with mouse and keyboard: see touch_page.js.
nlohmann::json touched(const TempFolder& folder, const std::string& page) {
  std::ofstream(folder / "touched.html") << page << "<script>"
                                         << slurp(std::string(FU_SOURCE_DIR) + "/tests/tools/media/touch_page.js")
                                         << "</script>";
  std::string dom = opened(folder, "touched.html");
  const std::string name = "data-report=\"";
  const std::size_t begin = dom.find(name);
  REQUIRE(begin != std::string::npos);
  std::string text = dom.substr(begin + name.size(), dom.find('"', begin + name.size()) - begin - name.size());
  for (std::size_t at; (at = text.find("&quot;")) != std::string::npos;) text.replace(at, 6, "\"");
  return nlohmann::json::parse(text);
}

}  // namespace

TEST_CASE("program: a page in which features can be touched") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 64, 80).image);
  CHECK(run(folder, "fit scene.png --size 64 --views 6 --held-out 2 --quiet").code == 0);
  CHECK(contains(run(folder, "info featup-out/scene.fit.safetensors").out, "featup show --html"));
  const Outcome page = run(folder, "show --html featup-out/scene.fit.safetensors -o page.html");
  CAPTURE(page.err);
  CHECK(page.code == 0);
  const std::string text = slurp(folder / "page.html");
  CHECK(text.size() < 4000000);
  CHECK(contains(text, "data:image/png;base64,"));
  CHECK(!contains(text, "/*DATA*/"));
  CHECK(!contains(text, "://"));  // no network
  const std::size_t begin = text.find("const data = ") + 13;
  const auto data = nlohmann::json::parse(text.substr(begin, text.find(";\n", begin) - begin));
  CHECK(data["name"] == "scene");
  CHECK(data["high"]["height"] == 64);
  CHECK(data["high"]["width"] == 80);
  CHECK(data["low"]["height"] == 4);
  CHECK(data["high"]["values"].get<std::string>().size() == (64 * 80 * data["scales"].size() + 2) / 3 * 4);
  CHECK(data["maps"].size() == 2);
  CHECK(data["curves"].size() == 2);
  if (std::filesystem::exists(kBrowser)) {
    const std::string dom = opened(folder, "page.html");
    CHECK(contains(dom, "data-ready=\"1\""));  // the script ran to its end
    CHECK(contains(dom, "of the photo is alike"));
    CHECK(contains(dom, "uncertainty: from"));
    const auto used = touched(folder, text);
    CAPTURE(used.dump());
    REQUIRE(used["errors"].empty());
    CHECK(used["pointed"] == true);
    CHECK(contains(used["where"], "Row 17, column 21:"));
    CHECK(contains(used["pointedAtMap"], "Row 33, column 61:"));
    CHECK(used["pressed"] == std::vector<std::string>{"false", "true"});
    CHECK(used["picks"] == std::vector<bool>{false, true});
    CHECK(used["masked"] == true);
    CHECK(used["counterexample"] == true);
    CHECK(used["threshold"] == nlohmann::json::parse(R"(["0.99", true])"));
    CHECK(used["saved"] == nlohmann::json::parse(R"(["scene-mask.png", 64, 80, true])"));
    CHECK(used["moved"] == std::vector<int>{2, 8});
    CHECK(used["keyPicks"] == std::vector<bool>{false, true, false, true});
    CHECK(used["undone"] == 3);
    CHECK(used["cleared"] == true);
    CHECK(used["compared"] == true);
  } else {
    MESSAGE("skipped: no browser to open the page in");
  }

  CHECK(run(folder, "upsample scene.png --size 64 --quiet").code == 0);
  CHECK(run(folder, "features scene.png --size 64 --quiet").code == 0);
  CHECK(run(folder, "show --html featup-out/scene.npy --image scene.png --low featup-out/scene.lr.npy -o map.html")
            .code == 0);
  CHECK(contains(slurp(folder / "map.html"), "\"name\":\"scene\""));
  check_refused(folder, "show --html featup-out/scene.npy featup-out/scene.npy", "one fit or one map");
  check_refused(folder, "show --html featup-out/scene.fit.safetensors --image scene.png", "holds its photo");
  check_refused(folder, "show featup-out/scene.npy --image scene.png", "go with --html");
  check_refused(folder, "show --html featup-out/scene.npy --image scene.png -o scene.png", "scene.png");
}
