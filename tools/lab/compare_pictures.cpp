// compare_pictures A B MOST: exits 1 if two pictures differ in size, or in any number by more than MOST of 255.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tools/media/image_io.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: compare_pictures A B MOST\nMOST: the largest difference allowed, of 255.\n");
    return 2;
  }
  try {
    const fu::Image a = fu::read_image(argv[1]), b = fu::read_image(argv[2]);
    if (a.height != b.height || a.width != b.width) {
      std::printf("%s: %lld x %lld pixels; %s: %lld x %lld\n", argv[1], static_cast<long long>(a.width),
                  static_cast<long long>(a.height), argv[2], static_cast<long long>(b.width),
                  static_cast<long long>(b.height));
      return 1;
    }
    int worst = 0, differ = 0;
    for (std::size_t i = 0; i < a.rgb.size(); ++i) {
      const int difference = std::abs(a.rgb[i] - b.rgb[i]);
      worst = std::max(worst, difference);
      differ += difference > 0;
    }
    std::printf("%s: %d of %zu numbers differ, by at most %d of 255\n", argv[2], differ, a.rgb.size(), worst);
    return worst <= std::atoi(argv[3]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare_pictures: error: %s\n", error.what());
    return 1;
  }
}
