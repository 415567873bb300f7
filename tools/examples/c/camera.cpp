// The same loop as in camera.c, in C++ with the library's own types. Tensors take their memory from the pool, which
// keeps freed blocks for the next frame.
//
//   c++ -std=c++17 camera.cpp $(pkg-config --cflags --libs featup) -o camera && ./camera 30
#include <featup/featup.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr fu::Index kWidth = 640, kHeight = 480, kSide = 128;
constexpr int kWarmUp = 3;

/// A bright square that moves over a striped floor.
void draw_frame(fu::Image& frame, int number) {
  unsigned char* p = frame.rgb.data();
  for (fu::Index y = 0; y < kHeight; ++y)
    for (fu::Index x = 0; x < kWidth; ++x) {
      const fu::Index left = 20 * number % (kWidth - 100);
      const bool inside = x >= left && x < left + 100 && y >= 150 && y < 250;
      *p++ = static_cast<unsigned char>(inside ? 240 : y / 2);
      *p++ = static_cast<unsigned char>(inside ? 200 : (y / 32 % 2) * 90 + 60);
      *p++ = static_cast<unsigned char>(inside ? 40 : x / 3);
    }
}

int run(int frames) {
  const auto backbone = fu::open_backbone("builtin");
  const auto upsampler = fu::open_upsampler("builtin");
  // The first 8 channels. A probe's weights would stand here.
  fu::ChannelMap map{fu::Tensor::zeros({backbone->channels(), 8}), {}};
  for (fu::Index c = 0; c < 8; ++c) map.matrix.data()[c * 8 + c] = 1;

  fu::Image frame{kHeight, kWidth, std::vector<unsigned char>(fu::usize(kHeight * kWidth * 3))};
  const fu::Extent seen = fu::input_extent(frame, {kSide}, backbone->patch());
  double worst = 0, sum = 0;
  std::size_t blocks = 0;
  for (int number = 0; number < frames + kWarmUp; ++number) {
    draw_frame(frame, number);
    const auto begin = std::chrono::steady_clock::now();
    const auto views = std::make_shared<const fu::PhotoViews>(frame, false);
    const fu::Tensor coarse = backbone->features(fu::normalize(views->at(seen.height, seen.width)));
    const fu::Extent size = fu::default_output(coarse.dim(1), coarse.dim(2), seen);
    const fu::Tensor fine = (*upsampler)(coarse, fu::guide_of(views, seen), size, &map);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (fine.size() != size.height * size.width * 8) return 1;
    if (number < kWarmUp) {  // threads start, memory is asked for
      blocks = fu::pool_stats().system_calls;
      continue;
    }
    sum += seconds;
    worst = std::max(worst, seconds);
  }
  const std::size_t more = fu::pool_stats().system_calls - blocks;
  std::printf("%d frames of %ldx%ld, %.1f ms each, %.1f ms at worst, %zu blocks of memory asked for\n", frames,
              static_cast<long>(kWidth), static_cast<long>(kHeight), 1e3 * sum / frames, 1e3 * worst, more);
  return more == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? std::atoi(argv[1]) : 30);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "camera: %s\n", error.what());
    return 1;
  }
}
