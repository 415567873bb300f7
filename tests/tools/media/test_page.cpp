// The page for the browser: what is in it, and how it behaves there.
#include "tests/tools/media/browser.h"

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
  CHECK(contains(text, "content=\"default-src 'none'; img-src data:; style-src 'sha256-"));
  const auto data = data_of(text);
  CHECK(data["name"] == "scene");
  CHECK(data["high"]["height"] == 64);
  CHECK(data["high"]["width"] == 80);
  CHECK(data["low"]["height"] == 4);
  CHECK(data["high"]["values"].get<std::string>().size() == (64 * 80 * data["scales"].size() + 2) / 3 * 4);
  CHECK(data["maps"].size() == 2);
  CHECK(data["curves"].size() == 2);
  CHECK(data["curves"][0]["x"] == "views");
  CHECK(data["curves"][0]["at"].size() == data["curves"][0]["values"].size());
  if (has_browser()) {
    const auto [dom, console] = opened(folder, "page.html");
    CHECK(console.empty());                    // nor did the page's policy refuse its own style, script or picture
    CHECK(contains(dom, "data-ready=\"1\""));  // the script ran to its end
    CHECK(contains(dom, "of the photo is alike"));
    CHECK(contains(dom, "uncertainty: from"));
    const auto used = touched(folder, text, "touch_page.js");
    CAPTURE(used.dump());
    REQUIRE(used["errors"].empty());
    CHECK(used["console"] == "");
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
  check_refused(folder, "show --html featup-out/scene.npy featup-out/scene.npy", "one fit or one map", 2);
  check_refused(folder, "show --html featup-out/scene.fit.safetensors --image scene.png", "holds its photo");
  check_refused(folder, "show featup-out/scene.npy --image scene.png", "go with --html", 2);
  check_refused(folder, "show --html featup-out/scene.npy --image scene.png -o scene.png", "scene.png");
}
