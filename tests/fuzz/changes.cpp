#include "tests/fuzz/changes.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace fu::fuzz {

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Bytes> read_folder(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> all;
  for (const std::string& path : paths) all.push_back(read_file(path));
  return all;
}

namespace {

/// Up to four changes: a bit, a byte, a number that is an edge, a part left out, doubled, or taken from another file.
void change(Bytes& bytes, const Bytes& other, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n ? static_cast<std::size_t>(random()) % n : 0; };
  for (std::size_t n = 1 + below(4); n > 0; --n) {
    if (bytes.empty()) return;
    const std::size_t at = below(bytes.size());
    const std::size_t length = std::min(bytes.size() - at, 1 + below(16));
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    switch (below(6)) {
      case 0: *begin = static_cast<unsigned char>(*begin ^ 1u << below(8)); break;
      case 1: *begin = static_cast<unsigned char>(random()); break;
      case 2: {
        static const unsigned char edges[] = {0, 0xff, 0x7f, 0x80, '9', '-', '"', '}'};
        std::fill(begin, end, edges[below(sizeof edges)]);
        break;
      }
      case 3: bytes.erase(begin, end); break;
      case 4: {
        const Bytes part(begin, end);
        bytes.insert(begin, part.begin(), part.end());
        break;
      }
      default:
        for (std::size_t i = 0; i < length && i < other.size(); ++i)
          bytes[at + i] = other[(below(other.size()) + i) % other.size()];
    }
  }
}

}  // namespace

void run_changed(const Target& target, const std::vector<Bytes>& seeds, int runs) {
  prepare();
  for (const Bytes& seed : seeds) target.run(seed.data(), seed.size());
  std::mt19937 random(7);
  for (int i = 0; i < runs && !seeds.empty(); ++i) {
    Bytes bytes = seeds[random() % seeds.size()];
    change(bytes, seeds[random() % seeds.size()], random);
    if (random() % 8 != 0) repair(target.repair, bytes.data(), bytes.size());
    if (const char* kept = std::getenv("FU_FUZZ_KEEP")) {
      std::ofstream file(kept, std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    target.run(bytes.data(), bytes.size());
  }
}

}  // namespace fu::fuzz
