// A page for the browser that shows how similar the features of all pixels are to those of the pixel under the pointer.
// It is one file and needs no network: tools/media/page.html with the data written into it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

struct PageData {
  std::string name;
  Image photo;
  Tensor low, high;  // (1,h,w,K) and (1,H,W,K): the same principal components
  struct Map {
    std::string name;
    Tensor values;  // (h,w)
  };
  std::vector<Map> maps;
  struct Curve {
    std::string name;
    std::vector<double> values;  // at least one
    std::string x;               // what they are values of
    std::vector<double> at;      // of each value, rising; as many
  };
  std::vector<Curve> curves;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// The page as text. Components are stored as 8-bit numbers in base64: about 4/3 H W K bytes, and the photo as PNG.
/// throws ShapeError if low and high have other ranks or numbers of channels, or if a curve lacks places.
std::string html_page(const PageData& data);

/// Adds the map that every page has: the length of each pixel's features.
void add_lengths(PageData& page);

/// How many principal components (3 to 32) keep a page of that many pixels under 4 MB.
Index page_components(Index pixels);
/// Maps of more pixels are averaged down to this many first.
constexpr Index kPagePixels = 160000;

}  // namespace fu
