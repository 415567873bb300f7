// Axes, text and legends: numbers where they belong, and the pixels that show them.
#include "tools/media/chart.h"

#include <set>

#include "tests/tools/program.h"
#include "tools/media/axis.h"
#include "tools/media/curve_picture.h"
#include "tools/media/heat_ramp.h"
#include "tools/media/legends.h"
#include "tools/media/line_chart.h"
#include "tools/media/pictures.h"
#include "tools/media/pixel_text.h"

using namespace fu;
using namespace fu::test;

namespace {

using Numbers = std::vector<std::string>;

Rgb at(const Image& image, Index row, Index column) {
  const unsigned char* p = image.rgb.data() + 3 * (row * image.width + column);
  return {p[0], p[1], p[2]};
}

Index count(const Image& image, Rgb color) {
  Index n = 0;
  for (Index p = 0; p < image.height * image.width; ++p) n += at(image, p / image.width, p % image.width) == color;
  return n;
}

/// Whether a text stands somewhere in a picture, pixel by pixel on white.
bool shows(const Image& image, const std::string& text, Rgb color, Index scale = 1) {
  Image drawn = blank(7 * scale, text_width(text, scale));
  draw_text(drawn, 0, 0, text, color, scale);
  for (Index y = 0; y + drawn.height <= image.height; ++y)
    for (Index x = 0; x + drawn.width <= image.width; ++x) {
      bool same = true;
      for (Index i = 0; same && i < drawn.height; ++i)
        same = std::memcmp(image.rgb.data() + 3 * ((y + i) * image.width + x), drawn.rgb.data() + 3 * i * drawn.width,
                           usize(3 * drawn.width)) == 0;
      if (same) return true;
    }
  return false;
}

}  // namespace

TEST_CASE("axes: round numbers within the range, with the decimals that they need") {
  CHECK(axis_of(0, 1, 5).numbers == Numbers{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(axis_of(0.2, 0.75, 5).numbers == Numbers{"0.2", "0.4", "0.6"});
  CHECK(axis_of(-3, 9, 4).numbers == Numbers{"0", "5"});
  CHECK(axis_of(20, 40, 4).numbers == Numbers{"20", "25", "30", "35", "40"});
  CHECK(axis_of(0.6901, 0.6959, 6).numbers == Numbers{"0.691", "0.692", "0.693", "0.694", "0.695"});
  CHECK(axis_of(0, 3e7, 3).numbers == Numbers{"0", "1e+07", "2e+07", "3e+07"});
  CHECK(axis_of(0, 4e-9, 2).numbers == Numbers{"0", "2e-09", "4e-09"});
  CHECK(axis_of(5, 5, 5).numbers == Numbers{"5"});
  CHECK(axis_of(0, NAN, 5).ticks.size() == 1);
  CHECK(short_number(-0.0) == "0");
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const double low = (random.uniform() - 0.5) * std::pow(10, 12 * random.uniform() - 6);
    const double high = low + std::pow(10, 12 * random.uniform() - 6);
    const int most = 1 + static_cast<int>(random.below(8));
    const Axis axis = axis_of(low, high, most);
    CAPTURE(low);
    CAPTURE(high);
    CHECK(axis.ticks.size() <= static_cast<std::size_t>(most) + 1);
    CHECK(std::is_sorted(axis.ticks.begin(), axis.ticks.end()));
    for (double tick : axis.ticks) CHECK((tick >= low && tick <= high));
    if (high - low > 1e-3 * std::abs(low))
      CHECK(std::set<std::string>(axis.numbers.begin(), axis.numbers.end()).size() == axis.numbers.size());
  }
}

TEST_CASE("pixel text: every character has a shape of its own, others become '?'") {
  std::set<std::vector<unsigned char>> shapes;
  for (char c = ' '; c <= '~'; ++c) {
    Image image = blank(kTextHeight, kTextStep);
    draw_text(image, 0, 0, std::string(1, c), kInk);
    CHECK(shapes.insert(image.rgb).second);
    for (Index y = 0; y < kTextHeight; ++y) CHECK(at(image, y, 5) == kPaper);  // the gap
  }
  Image image = blank(20, 40), other = blank(20, 40);
  draw_text(image, 2, 3, "1\u00df", {200, 0, 0}, 2);
  draw_text(other, 2, 3, "1?", {200, 0, 0}, 2);
  CHECK(image.rgb == other.rgb);
  // "1" at scale 2: the foot is 6 wide, 2 high, from the 7th row of the font.
  for (Index y = 14; y < 16; ++y)
    for (Index x = 5; x < 11; ++x) CHECK(at(image, y, x) == Rgb{200, 0, 0});
  CHECK(at(image, 16, 7) == kPaper);
  CHECK(at(image, 14, 4) == kPaper);
  CHECK(text_width("abc", 2) == 34);
  CHECK(text_width("") == 0);
  CHECK(shortened("caterpillar", 6) == "cate..");
  CHECK(shortened("\u732b\u732b\u732b\u732b", 3) == "\u732b..");
  CHECK(shortened("cat", 3) == "cat");
  draw_text(image, -4, -7, "outside", kInk, 9);  // partly outside: no crash
}

TEST_CASE("curves: numbers at the axes, and the curve between them") {
  const Image image = curve_picture({0.1, 0.4, 0.2, 0.9}, 240, 360, {"explained variance", "steps", {0, 10, 20, 40}});
  CHECK(image.height == 240);
  CHECK(image.width == 360);
  CHECK(shows(image, "explained variance", kInk));
  for (const char* text : {"steps", "0", "20", "40"}) CHECK(shows(image, text, kSoftInk));
  for (const char* text : {"0.2", "0.4", "0.6", "0.8"}) CHECK(shows(image, text, kSoftInk));
  CHECK(!shows(image, "1.0", kSoftInk));
  const Rgb blue = {0, 114, 178};
  CHECK(count(image, blue) > 500);
  // The last value is the highest, and lies in the right upper corner of the axes.
  Index top = image.height, column = 0;
  for (Index y = image.height - 1; y >= 0; --y)
    for (Index x = 0; x < image.width; ++x)
      if (at(image, y, x) == blue) top = y, column = x;
  CHECK(top < 20);
  CHECK(column > 340);

  CHECK(shows(curve_picture({5}, 240, 360), "5", kSoftInk));  // one value
  CHECK(shows(curve_picture({NAN}, 240, 360), "no numbers", kSoftInk));
  CHECK(shows(curve_picture({}, 240, 360), "no numbers", kSoftInk));
  CHECK(shows(curve_picture({1, NAN, 3}, 240, 360), "3", kSoftInk));
  CHECK(shows(curve_picture({1, 2, 3}, 700, 900, {"big", "", {}}), "big", kInk, 2));
  CHECK(curve_picture({1, 2}, 5, 5, {"tiny", "x", {}}).rgb.size() == 75);
  CHECK(contains(message_of([] { curve_picture({1, 2}, 90, 90, {"", "", {1}}); }), "[curve_picture] 2 values at 1"));
}

TEST_CASE("heatmaps: the ramp grows evenly lighter, and its bar tells the numbers") {
  const auto lightness = [](double v) {
    double y = 0;
    const double weights[] = {0.2126, 0.7152, 0.0722};
    for (std::size_t c = 0; c < 3; ++c) {
      const double s = heat_color(v)[c] / 255.0;
      y += weights[c] * (s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4));
    }
    return 116 * std::cbrt(y) - 16;
  };
  const double whole = lightness(1) - lightness(0);
  CHECK(whole > 70);
  for (double v = 0; v < 0.99; v += 0.1) {
    const double step = lightness(v + 0.1) - lightness(v);
    CHECK(step > 0.07 * whole);
    CHECK(step < 0.13 * whole);
  }
  CHECK(heat_color(-1) == heat_color(0));
  CHECK(heat_color(NAN) == heat_color(0));
  CHECK(heat_color(7) == heat_stops().back());
  CHECK(heat_palette().size() == 256);
  CHECK(heat_palette()[255] == heat_color(1));

  const Tensor values = Tensor::from({2, 2}, {0.5f, 1, 1.5f, 2.5f});
  const Image map = heat_picture(values);
  CHECK(at(map, 0, 0) == heat_color(0));
  CHECK(at(map, 1, 1) == heat_color(1));
  CHECK(at(map, 1, 0) == heat_color(0.5));
  const Image bar = add_heat_bar(enlarge_nearest(map, 80, 80), 0.5, 2.5);
  CHECK(bar.height == 80);
  CHECK(at(bar, 0, 84) == heat_color(1));
  CHECK(at(bar, 79, 84) == heat_color(0));
  CHECK(shows(bar, "2.5", kInk));
  CHECK(shows(bar, "0.5", kInk));
  const Image titled = add_title(bar, "uncertainty of features", 1);
  CHECK(titled.height == 92);
  CHECK(shows(titled, "uncertainty of fe..", kInk));
  const Image flat = heat_picture(Tensor::from({1, 2}, {3, 3}));
  CHECK(at(flat, 0, 1) == heat_color(0));
}

TEST_CASE("legends: names and colours beside a picture, or below a wide one") {
  const std::vector<std::string> names = {"sky", "Fu\u00df", "an impossibly long name of a class"};
  const std::vector<Rgb> colors = {{230, 159, 0}, {86, 180, 233}, {0, 158, 115}};
  const Image tall = add_legend(blank(200, 100, {1, 2, 3}), names, colors);
  CHECK(tall.height == 200);
  CHECK(tall.width > 250);
  CHECK(at(tall, 8, 100 + 8) == colors[0]);
  CHECK(count(tall, {1, 2, 3}) == 20000);
  for (const char* text : {"sky", "Fu?", "an impossibly long nam.."}) CHECK(shows(tall, text, kInk));
  for (const Rgb& color : colors) CHECK(count(tall, color) == 36);
  const Image wide = add_legend(blank(100, 400, {1, 2, 3}), names, colors);
  CHECK(wide.width == 400);
  CHECK(wide.height > 110);
  for (const char* text : {"sky", "Fu?", "an impossibly long nam.."}) CHECK(shows(wide, text, kInk));
  const Image many = add_legend(blank(60, 50), std::vector<std::string>(200, "x"), std::vector<Rgb>(200, {9, 9, 9}));
  CHECK(count(many, {9, 9, 9}) == 200 * 36);
  CHECK(add_legend(blank(10, 10), {}, {}).width == 10);
  CHECK(contains(message_of([&] { add_legend(tall, names, {}); }), "[add_legend] 3 names, 0 colours"));
}

TEST_CASE("bar charts: axes with numbers, and a legend") {
  const TempFolder folder;
  write_bar_chart(folder / "x.svg", "A <title>",
                  {{"IoU, %", {{"bilinear", 40, 2}, {"fit & more", 60, 0}, {"none", NAN, 0}}},
                   {"near", {{"bilinear", 0.91, 0}, {"fit & more", 0.95, 0}, {"none", 0.93, 0}}}},
                  "whiskers: deviation");
  const std::string svg = slurp(folder / "x.svg");
  for (const char* text :
       {">A &lt;title&gt;</text>", ">fit &amp; more</text>", ">bilinear, the reference</text>", ">others</text>",
        ">value +- spread</text>", ">40.000</text>", ">20</text>", ">60</text>", ">no number</text>",
        ">near (axis not from 0)</text>", ">0.90</text>", ">0.94</text>", "whiskers: deviation"}) {
    CAPTURE(text);
    CHECK(contains(svg, text));
  }
  CHECK(!contains(svg, "nan"));
  // The bar of 60 ends where the number 60 stands below the axis.
  const std::size_t tick = svg.find(">60</text>"), place = svg.rfind("x=\"", tick) + 3;
  const double x = std::stod(svg.substr(place));
  const std::size_t bar = svg.find("#0072b2"), begin = svg.rfind("x=\"", bar) + 3,
                    width = svg.rfind("width=\"", bar) + 7;
  CHECK(std::abs(std::stod(svg.substr(begin)) + std::stod(svg.substr(width)) - x) < 0.2);
  write_bar_chart(folder / "one.svg", "t", {{"g", {{std::string(60, 'n'), 1, 0}}}}, "c");
  const std::string one = slurp(folder / "one.svg");
  CHECK(contains(one, ">" + std::string(38, 'n') + "..</text>"));
  CHECK(!contains(one, "the reference"));
  CHECK(!contains(one, "spread"));
  write_bar_chart(folder / "none.svg", "t", {}, "c");
  CHECK(contains(slurp(folder / "none.svg"), "</svg>"));
}

TEST_CASE("scatter charts: a logarithmic axis, a shape for each kind, names that cover nothing") {
  CHECK(log_axis_of(0.7, 30).numbers == Numbers{"1", "2", "5", "10", "20"});
  CHECK(log_axis_of(0.09, 1).numbers == Numbers{"0.1", "0.2", "0.5", "1"});
  CHECK(log_axis_of(2, 15000).numbers == Numbers{"10", "100", "1000", "10000"});
  CHECK(log_axis_of(0, 1).numbers == Numbers{"0"});
  CHECK(log_axis_of(3, 3).ticks.size() == 1);
  ScatterChart chart{"title", "milliseconds", "quality <1", "caption", {"a, the reference", "one pass", "many", "none"},
                     {}};
  chart.points = {{"a", 1, 0.3, 0}, {"<b>", 20, 0.3, 1}, {"c", 4000, 0.6, 2}, {"gone", 0, 1, 1}, {"gone", 1, NAN, 1}};
  const std::string svg = scatter_chart_svg(chart);
  CHECK(!contains(svg, "://"));
  for (const char* part : {">milliseconds<", ">quality &lt;1<", ">&lt;b&gt;<", ">many<", ">1000<", ">0.4<", "<circle "})
    CHECK(contains(svg, part));
  for (const char* part : {"gone", ">none<", "<b>", "nan", "inf"}) CHECK(!contains(svg, part));
  const TempFolder folder;
  write_scatter_chart(folder / "chart.svg", chart);
  CHECK(contains(slurp(folder / "chart.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="));
  chart.points.clear();
  CHECK(contains(scatter_chart_svg(chart), "</svg>"));
}

TEST_CASE("line charts: a path a line, gaps, logarithmic axes, few points where a curve is straight") {
  LineChart chart{"title", "steps", "loss <1", "caption", {}, false, true};
  Line straight{"straight", {}, {}}, broken{"b<r>oken", {0, 1, 2, 3, 4}, {1, 0, 10, NAN, 100}};
  for (int i = 0; i <= 100; ++i) straight.x.push_back(i), straight.y.push_back(std::pow(10.0, 0.02 * i));
  chart.lines = {straight, broken};
  const TempFolder folder;
  write_line_chart(folder / "chart.svg", chart);
  const std::string svg = slurp(folder / "chart.svg");
  for (const char* part : {">steps<", ">loss &lt;1<", ">b&lt;r&gt;oken<", ">caption<", "stroke-dasharray"})
    CHECK(contains(svg, part));
  CHECK(!contains(svg, "nan"));
  CHECK(svg.size() < 6000);  // a hundred points on a line are two
  broken.x.pop_back();
  chart.lines = {broken};
  CHECK(contains(message_of([&] { write_line_chart(folder / "x.svg", chart); }), "has 4 x and 5 y"));
  chart.lines.clear();
  write_line_chart(folder / "empty.svg", chart);
  CHECK(contains(slurp(folder / "empty.svg"), "</svg>"));
}
