#include "tools/book/picture.h"

#include <algorithm>
#include <numeric>

#include "tools/book/book.h"
#include "tools/media/indexed_png.h"
#include "tools/media/pictures.h"

namespace fu::book {

namespace {

constexpr std::size_t kColors = 192;
constexpr int kShift = 2, kLevels = 256 >> kShift;  // colours are told apart by their six upper bits

/// A colour's place in the table of all that are told apart.
std::size_t place_of(const unsigned char* rgb) {
  return (usize(rgb[0] >> kShift) * kLevels + usize(rgb[1] >> kShift)) * kLevels + usize(rgb[2] >> kShift);
}

/// Colours that cannot be told apart, with the sums of the pixels that have them.
struct Cell {
  std::size_t place = 0;
  double count = 0, sum[3] = {};
  double mean(int channel) const { return sum[channel] / count; }
};

double spread(const std::vector<Cell>& box, int channel) {
  const auto [low, high] = std::minmax_element(
      box.begin(), box.end(), [&](const Cell& a, const Cell& b) { return a.mean(channel) < b.mean(channel); });
  return high->mean(channel) - low->mean(channel);
}

int widest(const std::vector<Cell>& box) {
  int best = 0;
  for (int c = 1; c < 3; ++c)
    if (spread(box, c) > spread(box, best)) best = c;
  return best;
}

double weight(const std::vector<Cell>& box) {
  const double pixels =
      std::accumulate(box.begin(), box.end(), 0.0, [](double n, const Cell& cell) { return n + cell.count; });
  return box.size() < 2 ? 0 : pixels * spread(box, widest(box));
}

/// Halves the box with the most pixels times its widest range, along that range, until there are enough.
/// source: Heckbert, "Color image quantization for frame buffer display" (SIGGRAPH 1982)
std::vector<std::vector<Cell>> median_cut(std::vector<Cell> cells) {
  std::vector<std::vector<Cell>> boxes = {std::move(cells)};
  while (boxes.size() < kColors) {
    const auto box = std::max_element(boxes.begin(), boxes.end(),
                                      [](const auto& a, const auto& b) { return weight(a) < weight(b); });
    if (weight(*box) <= 0) break;
    const int channel = widest(*box);
    std::sort(box->begin(), box->end(),
              [&](const Cell& a, const Cell& b) { return a.mean(channel) < b.mean(channel); });
    double half = 0;
    for (const Cell& cell : *box) half += cell.count / 2;
    auto cut = box->begin() + 1;
    for (double n = box->front().count; n < half && cut + 1 != box->end(); ++cut) n += cut->count;
    std::vector<Cell> rest(cut, box->end());
    box->erase(cut, box->end());
    boxes.push_back(std::move(rest));
  }
  return boxes;
}

struct Color {
  double rgb[3] = {};
  double light() const { return rgb[0] + 2 * rgb[1] + rgb[2]; }
};

std::size_t nearest(const std::vector<Color>& colors, const Cell& cell) {
  std::size_t best = 0;
  double least = 1e30;
  for (std::size_t i = 0; i < colors.size(); ++i) {
    double distance = 0;
    for (int c = 0; c < 3; ++c) distance += (colors[i].rgb[c] - cell.mean(c)) * (colors[i].rgb[c] - cell.mean(c));
    if (distance < least) least = distance, best = i;
  }
  return best;
}

/// The mean of each box; then each becomes the mean of the cells that are nearest to it, some times.
std::vector<Color> means_of(const std::vector<std::vector<Cell>>& boxes, const std::vector<Cell>& cells) {
  constexpr int kRounds = 4;
  std::vector<Color> colors;
  const auto mean = [](const std::vector<Cell>& of) {
    Color color;
    double pixels = 0;
    for (const Cell& cell : of) pixels += cell.count;
    for (int c = 0; c < 3; ++c)
      for (const Cell& cell : of) color.rgb[c] += cell.sum[c] / pixels;
    return color;
  };
  for (const std::vector<Cell>& box : boxes) colors.push_back(mean(box));
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::vector<Cell>> of(colors.size());
    for (const Cell& cell : cells) of[nearest(colors, cell)].push_back(cell);
    for (std::size_t i = 0; i < colors.size(); ++i)
      if (!of[i].empty()) colors[i] = mean(of[i]);
  }
  return colors;
}

}  // namespace

void write_picture(const std::string& name, const Image& image) {
  std::vector<Cell> table(usize(kLevels * kLevels * kLevels)), cells;
  for (std::size_t p = 0; p < image.rgb.size(); p += 3) {
    Cell& cell = table[place_of(image.rgb.data() + p)];
    ++cell.count;
    for (int c = 0; c < 3; ++c) cell.sum[c] += image.rgb[p + usize(c)];
  }
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table[i].count > 0) table[i].place = i, cells.push_back(table[i]);
  std::vector<Color> colors = means_of(median_cut(cells), cells);
  // By lightness: then neighbouring pixels have near numbers, which compress well.
  std::sort(colors.begin(), colors.end(), [](const Color& a, const Color& b) { return a.light() < b.light(); });
  std::vector<unsigned char> number(table.size());
  for (const Cell& cell : cells) number[cell.place] = static_cast<unsigned char>(nearest(colors, cell));
  Palette palette;
  for (const Color& color : colors) {
    palette.push_back({});
    for (std::size_t c = 0; c < 3; ++c) palette.back()[c] = static_cast<unsigned char>(color.rgb[c] + 0.5);
  }
  std::vector<unsigned char> indices;
  for (std::size_t p = 0; p < image.rgb.size(); p += 3) indices.push_back(number[place_of(image.rgb.data() + p)]);
  write_indexed_png(figure(name), image.height, image.width, indices.data(), palette);
}

void write_pictures(const std::string& name, const std::vector<Image>& images, Index each) {
  write_picture(name, each > 0 ? in_rows(images, each) : side_by_side(images));
}

}  // namespace fu::book
