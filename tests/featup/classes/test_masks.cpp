// Masks as run lengths and as outlines.
#include "core/random.h"
#include "featup/classes/masks.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

double area_of(const Ring& ring) {
  double sum = 0;
  for (std::size_t n = ring.size(), i = 0; i < n; i += 2)
    sum += ring[i] * ring[(i + 3) % n] - ring[(i + 2) % n] * ring[i + 1];
  return sum / 2;
}

Labels labels_of(const std::string& drawing) {
  Labels labels;
  for (const char c : drawing) labels.push_back(c == '#');
  return labels;
}

}  // namespace

TEST_CASE("masks: run lengths are COCO's, and read back") {
  // As the COCO API writes an empty mask of 10x10: one run of 100.
  CHECK(coco_counts(Labels(100, 0), 10, 10, 1) == "T3");
  // Down the columns: 1 outside, 2 inside, 1 outside.
  CHECK(coco_counts(labels_of(".##."), 2, 2, 1) == "121");
  CHECK(coco_counts(labels_of("####"), 2, 2, 1) == "04");
  Random random(1);
  for (int round = 0; round < 40; ++round) {
    const Index height = 1 + random.below(30), width = 1 + random.below(30);
    Labels labels(usize(height * width));
    for (unsigned char& label : labels) label = static_cast<unsigned char>(random.below(round < 20 ? 2 : 9) == 0);
    const std::vector<unsigned char> mask = mask_of_counts(coco_counts(labels, height, width, 1), height, width);
    CHECK(mask == labels);
  }
  CHECK(contains(message_of([] { mask_of_counts("T3", 10, 9); }), "longer than its 10x9 pixels"));
  CHECK(contains(message_of([] { mask_of_counts("T3", 10, 11); }), "100 of its 10x11 pixels"));
  CHECK(contains(message_of([] { mask_of_counts("T", 10, 10); }), "damaged at character 1"));
}

TEST_CASE("masks: outlines run along the edges of pixels; holes are rings of their own") {
  const Outlines square = outlines_of(labels_of("....##..##......"), 4, 4, 1);
  REQUIRE(square.outer.size() == 1);
  CHECK(square.holes.empty());
  CHECK(square.outer[0] == Ring{0, 1, 2, 1, 2, 3, 0, 3});
  const Outlines ring = outlines_of(labels_of("###"
                                              "#.#"
                                              "###"),
                                    3, 3, 1);
  REQUIRE(ring.outer.size() == 1);
  REQUIRE(ring.holes.size() == 1);
  CHECK(ring.holes[0].size() == 8);
  CHECK(area_of(ring.outer[0]) == 9);
  CHECK(area_of(ring.holes[0]) == -1);
  // Parts that meet at a corner alone are two.
  CHECK(outlines_of(labels_of("#..#"), 2, 2, 1).outer.size() == 2);
  Random random(2);
  for (int round = 0; round < 60; ++round) {
    const Index height = 1 + random.below(12), width = 1 + random.below(12);
    Labels labels(usize(height * width));
    double pixels = 0;
    for (unsigned char& label : labels) {
      label = static_cast<unsigned char>(random.below(2));
      pixels += label;
    }
    const Outlines found = outlines_of(labels, height, width, 1);
    double area = 0;
    for (const Ring& one : found.outer) {
      CHECK(area_of(one) > 0);
      area += area_of(one);
    }
    for (const Ring& one : found.holes) {
      CHECK(area_of(one) < 0);
      area += area_of(one);
    }
    CHECK(area == pixels);
  }
}
