// The page for the browser: what is in it, and how it behaves there.
#include <nlohmann/json.hpp>

#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

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
  if (std::filesystem::exists("/usr/bin/chromium")) {
    const std::string browser =
        "HOME='" + folder.path() + "' timeout 120 /usr/bin/chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run " +
        "--disable-background-networking --disable-component-update --disable-sync --user-data-dir='" + (folder / "profile") +
        "' --virtual-time-budget=5000 --dump-dom 'file://" + (folder / "page.html") + "' >'" + (folder / "dom") + "' 2>/dev/null";
    REQUIRE(std::system(browser.c_str()) == 0);
    const std::string dom = slurp(folder / "dom");
    CHECK(contains(dom, "data-ready=\"1\""));  // the script ran to its end
    CHECK(contains(dom, "of the photo is alike"));
    CHECK(contains(dom, "uncertainty: from"));
  } else {
    MESSAGE("skipped: no browser to open the page in");
  }

  CHECK(run(folder, "upsample scene.png --size 64 --quiet").code == 0);
  CHECK(run(folder, "features scene.png --size 64 --quiet").code == 0);
  CHECK(run(folder, "show --html featup-out/scene.npy --image scene.png --low featup-out/scene.lr.npy -o map.html").code == 0);
  CHECK(contains(slurp(folder / "map.html"), "\"name\":\"scene\""));
  check_refused(folder, "show --html featup-out/scene.npy featup-out/scene.npy", "one fit or one map");
  check_refused(folder, "show --html featup-out/scene.fit.safetensors --image scene.png", "holds its photo");
  check_refused(folder, "show featup-out/scene.npy --image scene.png", "go with --html");
  check_refused(folder, "show --html featup-out/scene.npy --image scene.png -o scene.png", "scene.png");
}
