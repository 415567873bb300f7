// The library inside somebody's server: forked, called by many threads, called for days.
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "featup/backbones/backbone.h"
#include "featup/upsamplers/registry.h"
#include "tests/process.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

Image noise(Index height, Index width) {
  Image photo{height, width, std::vector<unsigned char>(usize(3 * height * width))};
  for (std::size_t i = 0; i < photo.rgb.size(); ++i) photo.rgb[i] = static_cast<unsigned char>((i * 2654435761u) >> 24);
  return photo;
}

/// Features of a photo by the built-in backbone, enlarged by the built-in stack to size x size pixels.
struct Pipeline {
  std::unique_ptr<Backbone> backbone = open_backbone("builtin");
  std::unique_ptr<Upsampler> upsampler = open_upsampler("builtin");
  Tensor enlarge(const Tensor& features, const Image& photo, Index size) const {
    const Guide guide = [&](Index h, Index w) { return normalize(cover(photo, h ? h : size, w ? w : size)); };
    return (*upsampler)(features, guide, Extent{size, size});
  }
  Tensor operator()(const Image& photo, Index size) const {
    return enlarge(backbone->features(normalize(cover(photo, size, size))), photo, size);
  }
};

}  // namespace

TEST_CASE("many calls: a child process after fork computes what its parent does") {
  if (std::string(FU_THREADS) != "pool") return;  // libgomp hangs there
  const WithThreads use(2);
  const Pipeline run;
  const Image photo = noise(120, 160);
  const Tensor expected = run(photo, 112);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    _exit(same_bits(run(photo, 112), expected) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(same_bits(run(photo, 112), expected));
}

TEST_CASE("many calls: eight threads of the application get equal results") {
  const WithThreads use(2);
  const Pipeline run;
  const Image photo = noise(120, 160);
  const Tensor expected = run(photo, 112);
  std::atomic<int> equal{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 3; ++i) equal += same_bits(run(photo, 112), expected);
    });
  for (auto& c : callers) c.join();
  CHECK(equal == 24);
}

TEST_CASE("many calls: 10,000 of them need no more memory and no more threads than the first ones") {
#if defined(FU_ADDRESS_SANITIZER) || defined(FU_THREAD_SANITIZER)
  constexpr int kCalls = 200;
#else
  constexpr int kCalls = sizeof(real) == 4 ? 10000 : 1000;
#endif
  const WithThreads use(2);
  const Pipeline run;
  const Image photo = noise(64, 64);
  const Tensor features = Random(1).normal({1, 4, 4, 8});
  for (int i = 0; i < kCalls / 10; ++i) run.enlarge(features, photo, 64);
  [[maybe_unused]] const Index memory = resident_kb();
  const Index threads_before = thread_count();
  for (int i = 0; i < kCalls; ++i) run.enlarge(features, photo, 64);
#ifndef FU_ADDRESS_SANITIZER  // that sanitizer keeps freed memory for a while
  CHECK(resident_kb() <= memory + 512);
#endif
  CHECK(thread_count() <= threads_before);
}
