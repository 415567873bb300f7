// A page for the browser: one file, no network, in which features can be touched. tools/media/page.html is the page;
// its data are put into it.
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
  };
  std::vector<Curve> curves;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// Components as 8-bit numbers, everything as text inside the page: about 4/3 H W K bytes and the photo.
std::string html_page(const PageData& data);

/// Principal components that leave a page of that many pixels under 4 MB, at most 32.
Index page_components(Index pixels);
/// More pixels than this are pooled first.
constexpr Index kPagePixels = 160000;

}  // namespace fu
