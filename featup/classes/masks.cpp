#include "featup/classes/masks.h"

#include <algorithm>

#include "core/error.h"

namespace fu {

namespace {

/// Directions along the edges of pixels, clockwise on the screen: right, down, left, up.
constexpr Index kRow[4] = {0, 1, 0, -1}, kColumn[4] = {1, 0, -1, 0};  // rows, columns of a step

/// The edges between pixels in a mask and others. An edge runs with the mask on its right-hand side, seen in its
/// direction on the screen: around a part clockwise, around a hole counter-clockwise.
class EdgeMap {
 public:
  EdgeMap(const Labels& labels, Index height, Index width, unsigned char label)
      : width_(width), edges_(usize((height + 1) * (width + 1))) {
    const auto inside = [&](Index i, Index j) {
      return i >= 0 && j >= 0 && i < height && j < width && labels[usize(i * width + j)] == label;
    };
    for (Index i = 0; i <= height; ++i)
      for (Index j = 0; j <= width; ++j) {
        const bool lower = inside(i, j), upper = inside(i - 1, j), left = inside(i, j - 1);
        if (lower && !upper) at(i, j) |= 1 << 0;      // right, along the pixel's upper side
        if (upper && !lower) at(i, j + 1) |= 1 << 2;  // left, along its lower side
        if (lower && !left) at(i + 1, j) |= 1 << 3;   // up, along its left side
        if (left && !lower) at(i, j) |= 1 << 1;       // down, along its right side
      }
  }

  /// Takes the ring out that begins with the edge from corner (i,j) in that direction. Where two parts touch at a
  /// corner, it turns right: parts that meet at corners alone stay apart.
  Ring take(Index i, Index j, int direction) {
    Ring ring;
    const Index first_i = i, first_j = j;
    int before = -1;
    const int first = direction;
    do {
      if (direction != before) ring.insert(ring.end(), {static_cast<double>(j), static_cast<double>(i)});
      at(i, j) = static_cast<unsigned char>(at(i, j) & ~(1 << direction));
      i += kRow[direction], j += kColumn[direction];
      before = direction;
      if (i == first_i && j == first_j && closes(i, j, direction, first)) break;
      direction = next(i, j, direction);
    } while (direction >= 0);
    return ring;
  }
  unsigned char& at(Index i, Index j) { return edges_[usize(i * (width_ + 1) + j)]; }

 private:
  int next(Index i, Index j, int direction) {
    for (const int turn : {1, 0, 3}) {  // right, straight on, left
      const int to = (direction + turn) % 4;
      if (at(i, j) >> to & 1) return to;
    }
    return -1;
  }
  /// Back at the first corner: whether the line ends here, or only passes through it.
  bool closes(Index i, Index j, int direction, int first) {
    const int onward = next(i, j, direction);
    if (onward < 0) return true;
    const auto sharpness = [&](int to) {
      return (to - direction + 4) % 4 == 1 ? 0 : (to - direction + 4) % 4 == 0 ? 1 : 2;
    };
    return sharpness(first) < sharpness(onward);
  }

  Index width_;
  std::vector<unsigned char> edges_;  // (height + 1, width + 1): a bit for each edge that leaves the corner
};

/// Twice the area inside, positive if the ring is clockwise on the screen.
double twice_area(const Ring& ring) {
  double sum = 0;
  for (std::size_t n = ring.size(), i = 0; i < n; i += 2)
    sum += ring[i] * ring[(i + 3) % n] - ring[(i + 2) % n] * ring[i + 1];
  return sum;
}

void append_number(std::string& text, std::int64_t x) {
  for (bool more = true; more;) {
    auto bits = static_cast<int>(x & 0x1f);
    x >>= 5;
    more = (bits & 0x10) ? x != -1 : x != 0;
    text += static_cast<char>(48 + (more ? bits | 0x20 : bits));
  }
}

}  // namespace

std::string coco_counts(const Labels& labels, Index height, Index width, unsigned char label) {
  std::vector<std::int64_t> runs;
  bool inside = false;
  std::int64_t run = 0;
  for (Index j = 0; j < width; ++j)
    for (Index i = 0; i < height; ++i) {
      if ((labels[usize(i * width + j)] == label) != inside) {
        runs.push_back(run);
        run = 0, inside = !inside;
      }
      ++run;
    }
  runs.push_back(run);
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) append_number(text, i > 2 ? runs[i] - runs[i - 2] : runs[i]);
  return text;
}

std::vector<unsigned char> mask_of_counts(const std::string& counts, Index height, Index width) {
  std::vector<unsigned char> mask(usize(height * width));
  std::vector<std::int64_t> runs;
  std::int64_t at = 0;
  for (std::size_t c = 0; c < counts.size();) {
    std::int64_t x = 0;
    int shift = 0;
    for (bool more = true; more; shift += 5) {
      require<FileError>(c < counts.size() && counts[c] >= 48 && counts[c] < 48 + 64 && shift < 50,
                         "run lengths of a mask: damaged at character ", c, ".");
      const int bits = counts[c++] - 48;
      more = bits & 0x20;
      x |= static_cast<std::int64_t>(bits & 0x1f) << shift;
      if (!more && (bits & 0x10)) x -= std::int64_t{1} << (shift + 5);
    }
    if (runs.size() > 2) x += runs[runs.size() - 2];
    require<FileError>(x >= 0 && x <= height * width - at, "run lengths of a mask: longer than its ", height, "x",
                       width, " pixels.");
    for (const std::int64_t end = at + x; at < end; ++at)
      mask[usize(at % height * width + at / height)] = runs.size() % 2 == 1;
    runs.push_back(x);
  }
  require<FileError>(at == height * width, "run lengths of a mask: ", at, " of its ", height, "x", width, " pixels.");
  return mask;
}

Outlines outlines_of(const Labels& labels, Index height, Index width, unsigned char label) {
  EdgeMap edges(labels, height, width, label);
  Outlines found;
  for (Index i = 0; i <= height; ++i)
    for (Index j = 0; j <= width; ++j)
      for (int d = 0; d < 4; ++d)
        while (edges.at(i, j) >> d & 1) {
          Ring ring = edges.take(i, j, d);
          (twice_area(ring) > 0 ? found.outer : found.holes).push_back(std::move(ring));
        }
  return found;
}

}  // namespace fu
