// The page that says which upsampler to take: its numbers are those of the other tables, and names in it are text.
#include "core/files/bytes.h"
#include "tests/tools/media/browser.h"
#include "tools/cli/report_labels.h"

using namespace fu;
using namespace fu::test;

namespace {

const std::string kHostileName = "<img src=x onerror=window.hacked=1>";
const std::string kPhotos = "photos/1.png photos/2.png photos/3.png photos/4.png 'photos/" + kHostileName + ".png'";
const std::string kMethods = " --only --upsampler builtin --upsampler views:3 ";

/// Five scenes with labels of two classes; the last of them has a name that would be markup.
void write_labelled(const TempFolder& folder) {
  for (const char* part : {"photos", "labels"}) std::filesystem::create_directories(folder / part);
  for (int i = 0; i < 5; ++i) {
    const RenderedScene scene = render_scene(static_cast<std::uint64_t>(i), 80, 99);
    Image labels{80, 99, {}};
    for (const unsigned char label : scene.labels) labels.rgb.insert(labels.rgb.end(), 3, label > 0 ? 1 : 0);
    const std::string name = "/" + (i == 0 ? kHostileName : std::to_string(i)) + ".png";
    write_png(folder / ("photos" + name), scene.image), write_png(folder / ("labels" + name), labels);
  }
}

nlohmann::json json_of(const TempFolder& folder, const std::string& arguments) {
  const Outcome o = run(folder, arguments + " --json --quiet");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  return nlohmann::json::parse(o.out);
}

}  // namespace

TEST_CASE("eval report: the numbers are those of eval views and eval probe") {
  const TempFolder folder;
  write_labelled(folder);
  const auto report =
      json_of(folder, "eval report photos --size own --jitters 3 --slow-every 4 --labels labels -o r.html" + kMethods);
  for (int seed = 0; seed < 2; ++seed) {
    const auto views =
        json_of(folder, "eval views " + kPhotos + " --size own --jitters 3 --seed " + std::to_string(seed) + kMethods);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto& one = report["images"][i]["explained_variance_of_seeds"];
      CHECK(one.size() == (i % 4 == 0 ? 3 : 2));
      for (const auto& [method, values] : one.items())
        CHECK(values[static_cast<std::size_t>(seed)] == views["images"][i]["explained_variance"][method]);
    }
  }
  const auto& rows = report["methods"];
  REQUIRE(rows.size() == 4);
  CHECK(rows[0]["method"] == "bilinear");
  CHECK(rows[2]["method"] == "bilinear, there");
  CHECK(rows[3]["photos"] == 2);
  double mean = 0;
  for (const auto& image : report["images"]) mean += image["explained_variance"]["bilinear"].get<double>() / 5;
  CHECK(rows[0]["explained_variance"].get<double>() == doctest::Approx(mean));
  CHECK(rows[1]["milliseconds"].get<double>() > 0);

  // Learned from the second and the fourth photo, judged on the others.
  for (const char* part : {"photos", "labels"})
    for (const char* side : {"learn", "judge"}) {
      const std::string to = std::string(side) + "_" + part;
      std::filesystem::create_directories(folder / to);
      for (const std::string& name : side == std::string("learn") ? std::vector<std::string>{"2", "4"}
                                                                  : std::vector<std::string>{"1", "3", kHostileName})
        std::filesystem::copy(folder / (std::string(part) + "/" + name + ".png"), folder / (to + "/" + name + ".png"));
    }
  const auto probe = json_of(folder,
                             "eval probe --images learn_photos --labels learn_labels --val-images judge_photos "
                             "--val-labels judge_labels --classes 2 --seeds 2 --slow-every 1" +
                                 kMethods);
  const auto all = json_of(folder, "eval report photos --size own --jitters 1 --labels labels -o r.html" + kMethods);
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(all["methods"][row]["judged"] == 3);
    for (const char* measure : {"mean_iou", "accuracy"})
      CHECK(all["methods"][row][measure].get<double>() ==
            doctest::Approx(probe["methods"][row][measure].get<double>()).epsilon(1e-4));
  }
  CHECK(report["classes"] == 2);
  CHECK(report["recommendation"]["follows"] == "mean_iou");
}

TEST_CASE("eval report: one file, no network, names are text") {
  const TempFolder folder;
  write_labelled(folder);
  const std::string options = "eval report photos --size 64x64 --jitters 2 --seeds 1 --slow-every 2" + kMethods;
  const Outcome o = run(folder, options);
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(contains(o.out, "\nbilinear, there"));
  CHECK(contains(o.out, "\nTake b"));
  const std::string page = slurp(folder / "featup-out/report.html");
  CHECK(!contains(page, "://"));
  CHECK(!contains(page, "<img"));
  for (const char* mark : {"/*DATA", "/*POLICY", "/*COMMON", "<!--CHART"}) CHECK(!contains(page, mark));
  CHECK(contains(page, "content=\"default-src 'none'; img-src data:; style-src 'sha256-"));
  CHECK(contains(page, "<svg viewBox="));
  CHECK(contains(slurp(folder / "featup-out/report.svg"), "xmlns="));
  const auto data = data_of(page);
  CHECK(contains(o.out, data["headline"].get<std::string>() + "\n"));
  REQUIRE(data["photos"].size() == 4);
  CHECK(data["photos"][3]["name"] == kHostileName + ".png");
  CHECK(data["photos"][0]["panels"].size() == 5);
  CHECK(data["photos"][1]["panels"].size() == 4);  // views:3 has not seen it
  CHECK("featup " + options == data["settings"][0][1].get<std::string>() + " ");
  if (!has_browser()) {
    MESSAGE("skipped: no browser to open the page in");
    return;
  }
  std::filesystem::rename(folder / "featup-out/report.html", folder / "page.html");
  const Opened browser = opened(folder, "page.html");
  CHECK(browser.console.empty());
  CHECK(contains(browser.dom, "data-ready=\"1\""));
  CHECK(contains(browser.dom, "<h3 class=\"\">&lt;img src=x onerror=window.hacked=1&gt;.png</h3>"));
  CHECK(contains(browser.dom, "<td class=\"\">bilinear, there</td>"));
}

TEST_CASE("eval report: what cannot be done is told before any work") {
  const TempFolder folder;
  write_labelled(folder);
  write_npy(folder / "f.npy", Tensor::zeros({4, 5, 2}));
  check_refused(folder, "eval report photos --features f.npy", "needs a backbone");
  check_refused(folder, "eval report photos --size 16x16", "must have more at the backbone");
  check_refused(folder, "eval report photos -o page.svg", "would be both the result and its picture");
  check_refused(folder, "eval report photos/1.png -o photos/1.png", "photos/1.png");
  check_refused(folder, "eval report photos --upsampler folder:photos", "holds no");
  check_refused(folder, "eval report photos --labels labels --classes 1", "two classes or more");
  REQUIRE(std::filesystem::remove(folder / "labels/1.png"));
  REQUIRE(std::filesystem::remove(folder / "labels/4.png"));
  check_refused(folder, "eval report photos --labels labels", "holds labels of 3 of the photos");
}

TEST_CASE("eval report: labels are of the part of the photo that the backbone sees") {
  const TempFolder folder;
  for (const char* part : {"photos", "labels"}) std::filesystem::create_directories(folder / part);
  // A step: the left 40 of 120 columns are dark and of class 0. The middle 60 columns begin at 30.
  Image photo{60, 120, {}}, labels{60, 120, {}};
  for (Index p = 0; p < 60 * 120; ++p) {
    photo.rgb.insert(photo.rgb.end(), 3, p % 120 < 40 ? 10 : 200);
    labels.rgb.insert(labels.rgb.end(), 3, p % 120 < 40 ? 0 : 3);
  }
  ChosenInputs photos;
  for (const char* name : {"a", "b", "c", "d"}) {
    const std::string file = std::string("/") + name + ".png";
    write_png(folder / ("photos" + file), photo), write_png(folder / ("labels" + file), labels);
    photos.paths.push_back(folder / ("photos" + file)), photos.names.push_back(name);
  }
  std::string left_out;
  const ReportLabels found(photos, folder / "labels", 0, left_out);
  CHECK(found.classes() == 4);
  CHECK(found.labelled() == 4);
  CHECK(found.judges(0));
  CHECK(!found.judges(1));
  for (const bool cropped : {true, false}) {
    PhotoFeatures seen;
    seen.views = std::make_shared<PhotoViews>(photo, cropped);
    seen.in_size = cropped ? Extent{30, 30} : Extent{30, 60};
    const Labels of = found.of(1, seen, cropped);
    const Image& pixels = seen.views->at(seen.in_size.height, seen.in_size.width);
    Index first = 0;
    for (Index p = 0; p < seen.in_size.height * seen.in_size.width; ++p) {
      CHECK((of[usize(p)] == 3) == (pixels.rgb[usize(3 * p)] > 105));
      first += p < seen.in_size.width && of[usize(p)] == 0;
    }
    CHECK(first == (cropped ? 5 : 20));
  }
}
