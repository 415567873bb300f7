// The page of words and masks: what is in it, and how it behaves in a browser.
#include "tools/media/segment_page.h"

#include "featup/measure/class_colors.h"
#include "featup/measure/segmentation.h"
#include "tests/tools/media/browser.h"
#include "tools/media/label_picture.h"

using namespace fu;
using namespace fu::test;

namespace {

const std::string kHostile = "</script><img src=x onerror=\"window.hacked=1\">";

/// Scores of a drawn scene: high where the label is the class, with noise. The largest and smallest are not at round
/// numbers.
SegmentPageData scene_page(Index classes, bool sigmoid) {
  const auto scene = render_scene(2, 64, 80);
  SegmentPageData d;
  d.name = "scene <b>";
  d.photo = scene.image;
  d.sigmoid = sigmoid;
  d.scale = 12, d.bias = sigmoid ? -2.5 : 0;
  d.scores = Tensor({1, 64, 80, classes});
  Random random(7);
  for (Index p = 0; p < 64 * 80; ++p)
    for (Index k = 0; k < classes; ++k)
      d.scores.data()[p * classes + k] =
          static_cast<real>((scene.labels[usize(p)] == k ? 0.3 : 0.1) + 0.1 * random.uniform());
  for (Index k = 0; k < classes; ++k) {
    d.names.push_back("class " + std::to_string(k));
    d.colors.push_back(class_color(k));
  }
  d.names[1] = kHostile;
  d.names[2] = "Fu\u00df & <!--<script> \"\u732b\"";
  d.settings = {{"text", "a photo of {}"}, {"<i>key</i>", kHostile}};
  return d;
}

/// What the page computes, from scores of 8 bits.
struct Reference {
  const SegmentPageData& d;
  Index k = d.scores.dim(3), n = d.scores.dim(1) * d.scores.dim(2);
  std::vector<double> scores = std::vector<double>(usize(n * k));

  explicit Reference(const SegmentPageData& page) : d(page) {
    for (Index c = 0; c < k; ++c) {
      double low = 1e9, high = -1e9;
      for (Index p = 0; p < n; ++p) {
        low = std::min(low, static_cast<double>(d.scores.data()[p * k + c]));
        high = std::max(high, static_cast<double>(d.scores.data()[p * k + c]));
      }
      for (Index p = 0; p < n; ++p)
        scores[usize(p * k + c)] =
            low + (high - low) / 255 *
                      static_cast<double>(
                          std::lround((static_cast<double>(d.scores.data()[p * k + c]) - low) * (255 / (high - low))));
    }
  }
  double probability(Index p, Index c) const {
    const double* s = scores.data() + p * k;
    if (d.sigmoid) return 1 / (1 + std::exp(-d.scale * s[c] - d.bias));
    double sum = 0;
    for (Index j = 0; j < k; ++j) sum += std::exp(d.scale * (s[j] - s[c]));
    return 1 / sum;
  }
  Index best(Index p) const {
    return std::max_element(scores.begin() + p * k, scores.begin() + (p + 1) * k) - scores.begin() - p * k;
  }
  bool inside(Index p, Index c, double least) const {
    return (d.sigmoid || best(p) == c) && probability(p, c) >= least;
  }
  Index mask(Index c, double least) const {
    Index count = 0;
    for (Index p = 0; p < n; ++p) count += inside(p, c, least);
    return count;
  }
  std::string percent(double share) const {
    char text[20];
    std::snprintf(text, sizeof text, "%.1f%%", 100 * share);
    return text;
  }
};

/// The numbers of a PNG that the page offered for saving, read by the program's own reader.
Image saved_numbers(const TempFolder& folder, const nlohmann::json& saved) {
  static const std::string kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned group = 0;
  int bits = 0;
  for (char c : saved["file"].get<std::string>()) {
    if (c == '=') break;
    group = group << 6 | static_cast<unsigned>(kDigits.find(c));
    if ((bits += 6) >= 8) bytes += static_cast<char>(group >> (bits -= 8) & 255);
  }
  std::ofstream(folder / "saved.png", std::ios::binary) << bytes;
  return read_label_picture(folder / "saved.png");
}

void check_use(const nlohmann::json& used, const SegmentPageData& d, const TempFolder& folder) {
  const Reference r(d);
  const double first = d.sigmoid ? 0.5 : 0;
  std::vector<std::string> shares{""};
  for (Index c = 0; c < r.k; ++c) shares.push_back(r.percent(static_cast<double>(r.mask(c, first)) / 5120));
  CHECK(used["shares"] == shares);
  std::vector<std::string> names{"All"};
  names.insert(names.end(), d.names.begin(), d.names.end());
  CHECK(used["names"] == names);
  CHECK(used["first"][0] == std::vector<int>{-1});
  std::string labels;
  for (Index p = 0; p < r.n; ++p)
    labels += (p ? "," : "") + std::to_string(r.inside(p, r.best(p), first) ? r.best(p) : 255);
  CHECK(used["first"][2] == labels);

  const auto sentence = [&](Index row, Index column) {
    const Index p = row * 80 + column, best = r.best(p);
    return "Row " + std::to_string(row + 1) + ", column " + std::to_string(column + 1) + ": " + d.names[usize(best)] +
           ", probability " + r.percent(r.probability(p, best)) + ".";
  };
  CHECK(used["hovered"][0] == sentence(3, 5));
  CHECK(used["hovered"][2] == r.best(3 * 80 + 5));
  CHECK(used["hovered"][3] == std::min<Index>(8, r.k));
  CHECK(used["clicked"][0] == sentence(40, 60));
  const Index p = 40 * 80 + 60;
  for (std::size_t i = 0; i < used["clicked"][1].size(); ++i) {
    const Index c = used["clicked"][1][i];
    CHECK(std::abs(std::stod(used["clicked"][2][i].get<std::string>()) - r.scores[usize(p * r.k + c)]) < 6e-4);
    CHECK(used["clicked"][3][i] == r.percent(r.probability(p, c)));
    CHECK(std::abs(used["clicked"][4][i].get<double>() - 100 * r.probability(p, c)) < 0.06);
    if (i > 0) CHECK(r.probability(p, c) <= r.probability(p, used["clicked"][1][i - 1]));
  }
  CHECK(used["left"] == sentence(40, 60));
  CHECK(used["dragged"] == sentence(9, 9));
  CHECK(used["moved"] == sentence(17, 11));
  CHECK(used["entered"] == std::vector<Index>{r.best(17 * 80 + 11)});
  CHECK(used["second"] == std::vector<int>{1});
  CHECK(used["typed"] == std::vector<int>{1});
  CHECK(used["all"] == std::vector<int>{-1});

  const Index inside = r.mask(0, first);
  CHECK(inside > 100);
  CHECK(used["mask"] == nlohmann::json{"class 0: " + r.percent(static_cast<double>(inside) / 5120) + " of the photo",
                                       inside, std::vector<int>{0}});
  CHECK(used["painted"][0].get<Index>() > inside - 250);  // but for the mark, which is drawn over it
  CHECK(used["painted"][0] <= inside);
  for (std::size_t c = 1; c < usize(r.k); ++c) CHECK(used["painted"][c] == 0);
  CHECK(used["stricter"][0] == r.mask(0, 0.7));
  CHECK(used["stricter"][1] == "0.70");
  const Image mask = saved_numbers(folder, used["saved"]);
  CHECK(used["saved"]["name"] == "scene _b_-class 0.png");
  bool same = mask.height == 64 && mask.width == 80;
  for (Index i = 0; same && i < r.n; ++i) same = mask.rgb[usize(3 * i)] == r.inside(i, 0, first);
  CHECK(same);
  CHECK(used["heat"][0] == "Score of class 0");
  CHECK(std::stod(used["heat"][2].get<std::string>()) > std::stod(used["heat"][1].get<std::string>()));
  CHECK(used["heat"][3] == false);
  CHECK(used["heat"][4] == true);
  CHECK(used["heatEnds"] == std::vector<std::string>{"253,231,37", "68,1,84"});
  const Image numbers = saved_numbers(folder, used["savedLabels"]);
  CHECK(used["savedLabels"]["name"] == "scene _b_-labels.png");
  same = numbers.height == 64 && numbers.width == 80;
  for (Index i = 0; same && i < r.n; ++i)
    same = numbers.rgb[usize(3 * i)] == (r.inside(i, r.best(i), 0.7) ? r.best(i) : 255);
  CHECK(same);
}

}  // namespace

TEST_CASE("segment page: one file, no network, names are text") {
  const TempFolder folder;
  for (const bool sigmoid : {false, true}) {
    CAPTURE(sigmoid);
    const SegmentPageData d = scene_page(5, sigmoid);
    const std::string page = segment_page(d);
    CHECK(!contains(page, "://"));
    for (const char* mark : {"/*DATA", "/*POLICY", "/*COMMON"}) CHECK(!contains(page, mark));
    CHECK(!contains(page, "<img"));
    CHECK(contains(page, "content=\"default-src 'none'; img-src data:; style-src 'sha256-"));
    CHECK(data_of(page)["classes"][1]["name"] == kHostile);
    if (!has_browser()) {
      MESSAGE("skipped: no browser to open the page in");
      continue;
    }
    std::ofstream(folder / "page.html") << page;
    const auto [dom, console] = opened(folder, "page.html");
    CHECK(console.empty());
    CHECK(contains(dom, "data-ready=\"1\""));
    CHECK(contains(dom, "<td>&lt;/script&gt;&lt;img src=x onerror=\"window.hacked=1\"&gt;</td>"));
    const nlohmann::json used = touched(folder, page, "touch_segment_page.js");
    CAPTURE(used.dump());
    REQUIRE(used["errors"].empty());
    check_use(used, d, folder);
    CHECK(used["images"] == 0);
    CHECK(used["hacked"] == 0);
    const std::string refused = used["console"];  // of the script that the test added, and nothing else
    CHECK(std::count(refused.begin(), refused.end(), '\n') == 1);
    CHECK(contains(refused, "Content Security Policy"));
    CHECK(used["search"] == nlohmann::json::parse("[true, 6]"));
  }
}

TEST_CASE("segment page: many classes are ordered by area and searched") {
  const TempFolder folder;
  const std::string page = segment_page(scene_page(180, false));
  if (!has_browser()) {
    MESSAGE("skipped: no browser to open the page in");
    return;
  }
  const nlohmann::json used = touched(folder, page, "touch_segment_page.js");
  CAPTURE(used.dump());
  CHECK(used["errors"].empty());
  CHECK(used["search"] == nlohmann::json::parse("[false, 181]"));
  const std::vector<std::string> shares = used["shares"];
  for (std::size_t i = 2; i < shares.size(); ++i) CHECK(std::stod(shares[i]) <= std::stod(shares[i - 1]));
  std::vector<std::string> found = used["found"];
  CHECK(found.size() == 12);  // All, 17, 170 to 179
}

TEST_CASE("segment page: stays below 4 MB, and says what does not fit") {
  SegmentPageData d;
  Random random(1);
  for (const auto& size : {std::array<Index, 3>{1500, 2000, 1}, {1500, 2000, 21}, {2000, 1500, 150}, {100, 30, 255}}) {
    const Index height = size[0], width = size[1], classes = size[2];
    CAPTURE(classes);
    const Extent e = segment_page_extent({height, width}, classes);
    CHECK(std::abs(e.height * width - e.width * height) <= std::max(height, width));  // the same shape, in whole pixels
    CHECK(e.height <= height);
    d.photo = {e.height, e.width, {}};
    for (Index i = 0; i < 3 * e.height * e.width; ++i)
      d.photo.rgb.push_back(static_cast<unsigned char>(random.below(256)));
    d.scores = random.normal({1, e.height, e.width, classes});
    d.names.assign(usize(classes), "name");
    d.colors.assign(usize(classes), {1, 2, 3});
    const std::size_t bytes = segment_page(d).size();
    CHECK(bytes < 4000000);
    if (height * width > 1000000) CHECK(bytes > (classes == 1 ? 1500000u : 3000000u));
  }
  d.least = 0.25;
  CHECK(data_of(segment_page(d))["least"] == 0.25);
  // A photo of another size is scaled, and numbers that are none count as the smallest.
  d.photo = {2, 2, std::vector<unsigned char>(12, 9)};
  d.scores.data()[0] = NAN;
  CHECK(data_of(segment_page(d))["classes"][0]["low"].is_number());
  CHECK(contains(message_of([&] { d.colors.pop_back(), segment_page(d); }),
                 "[segment_page] scores (1,100,30,255), "
                 "255 names, 254 colours"));
  d.names.assign(256, ""), d.colors.assign(256, {}), d.scores = Tensor({1, 1, 1, 256});
  CHECK(contains(message_of([&] { segment_page(d); }), "K at most 255"));
  d.names.clear(), d.colors.clear(), d.scores = Tensor({1, 1, 1, 0});
  CHECK(contains(message_of([&] { segment_page(d); }), "[segment_page]"));
}
