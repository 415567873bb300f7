#include "tools/media/legends.h"

#include <algorithm>

#include "tools/media/axis.h"
#include "tools/media/heat_ramp.h"
#include "tools/media/pictures.h"
#include "tools/media/pixel_text.h"

namespace fu {

Image add_title(const Image& image, const std::string& title, Index scale) {
  Image strip = blank((kTextHeight + 3) * scale, image.width);
  draw_text(strip, 2 * scale, 0, shortened(title, usize(image.width / (kTextStep * scale))), kInk, scale);
  return stacked({strip, image}, 0);
}

Image add_heat_bar(const Image& image, double low, double high, Index scale) {
  const std::string most = short_number(high), least = short_number(low);
  const Index gap = 4 * scale, wide = 10 * scale, text = std::max(text_width(most, scale), text_width(least, scale));
  Image bar = blank(image.height, gap + wide + gap + text + gap);
  for (Index y = 0; y < image.height; ++y)
    fill_box(bar, y, gap, 1, wide,
             heat_color(1 - static_cast<double>(y) / static_cast<double>(std::max<Index>(1, image.height - 1))));
  draw_text(bar, 0, 2 * gap + wide, most, kInk, scale);
  draw_text(bar, image.height - 7 * scale, 2 * gap + wide, least, kInk, scale);
  return side_by_side({image, bar}, 0);
}

Image add_legend(const Image& image, const std::vector<std::string>& names,
                 const std::vector<std::array<unsigned char, 3>>& colors) {
  require<ShapeError>(names.size() == colors.size(), "[add_legend] ", names.size(), " names, ", colors.size(),
                      " colours: must be as many.");
  constexpr std::size_t kCharacters = 24;
  const Index scale = text_scale(image.height), box = 8 * scale, gap = 4 * scale, line = (kTextHeight + 4) * scale;
  const auto n = static_cast<Index>(names.size());
  Index text = 0;
  for (const std::string& name : names) text = std::max(text, text_width(shortened(name, kCharacters), scale));
  const Index column = gap + box + gap + text + gap;
  // Beside the picture: as many columns as are needed for its height. Below it: as many as its width has room for.
  const bool beside = image.height >= image.width;
  const Index rows =
      beside ? std::max<Index>(1, (image.height - gap) / line)
             : (n + std::max<Index>(1, image.width / column) - 1) / std::max<Index>(1, image.width / column);
  if (n == 0) return image;
  const Index columns = (n + rows - 1) / rows;
  Image panel =
      blank(beside ? image.height : gap + rows * line, beside ? columns * column : std::max(image.width, column));
  for (Index i = 0; i < n; ++i) {
    const Index top = gap + i % rows * line, left = gap + i / rows * column;
    fill_box(panel, top, left, box, box, kSoftInk);  // a thin frame: bright colours end somewhere on white
    fill_box(panel, top + scale, left + scale, box - 2 * scale, box - 2 * scale, colors[usize(i)]);
    draw_text(panel, top, left + box + gap, shortened(names[usize(i)], kCharacters), kInk, scale);
  }
  return beside ? side_by_side({image, panel}, 0) : stacked({image, panel}, 0);
}

}  // namespace fu
