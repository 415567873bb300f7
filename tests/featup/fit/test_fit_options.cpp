// Settings of a fit: what decides what, and that a file's fingerprint holds all of them.
#include "featup/fit/fit_options.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

struct Change {
  void operator()(bool& value) const { value = !value; }
  void operator()(Index& value) const { ++value; }
  void operator()(std::uint64_t& value) const { ++value; }
  void operator()(double& value) const { value = value * 1.5 + 0.125; }
  void operator()(std::string& value) const { value += "x"; }
};

}  // namespace

TEST_CASE("fit options: every field but the number of steps is in the fingerprint, and the difference names it") {
  const FitOptions defaults;
  const std::string before = fingerprint(defaults);
  std::vector<std::string> names;
  visit_fields(defaults, [&](const auto&, const FieldInfo& info) {
    if (info.changes_result)
      names.push_back(info.name);
    else
      CHECK(info.name == "steps");  // a fit goes on with more of them
  });
  CHECK(names.size() >= 30);
  for (const std::string& name : names) {
    CAPTURE(name);
    FitOptions o;
    visit_fields(o, [&](auto& value, const FieldInfo& info) {
      if (info.name == name) Change()(value);
    });
    CHECK(fingerprint(o) != before);
    const std::string difference = fingerprint_difference(before, fingerprint(o));
    CHECK(difference.rfind(name + "=", 0) == 0);
    CHECK(!contains(difference, ","));
  }
  CHECK(fingerprint_difference(before, before).empty());
}

TEST_CASE("fit options: what the others decide") {
  const auto completed = [](bool grid, Index steps) {
    FitOptions o;
    o.grid = grid, o.steps = steps;
    return o.completed();
  };
  const FitOptions plain = completed(true, -1), both = completed(true, 7), network = completed(false, -1);
  CHECK((plain.views == 200 && plain.steps == 0 && plain.pca == 0));
  CHECK((both.views == 200 && both.steps == 7 && both.pca == 128));
  CHECK((network.views == 300 && network.steps == 300 && network.pca == 128));
  const FitOptions published = FitOptions::published().completed();
  CHECK((published.views == 3000 && published.steps == 1200 && published.pca == 128 && !published.grid));
  CHECK(!published.early_stop);
}

TEST_CASE("fit options: nothing is larger than the photo or the features") {
  FitOptions o;
  o.steps = 10;
  const FitOptions small = o.for_photo({20, 24}, 64), large = o.for_photo({224, 300}, 384);
  CHECK(small.max_pad == 19);
  CHECK(small.network.kernel == 20);
  CHECK(small.pca == 0);
  CHECK(small.network.upsampler.highest == doctest::Approx(std::log(3.14159265358979 * 23 / 2)));
  CHECK((large.max_pad == 30 && large.network.kernel == 29 && large.pca == 128));
  CHECK(fingerprint(small) != fingerprint(large));
  CHECK(FitOptions::published().for_photo({224, 224}, 384).network.upsampler.highest == 10);  // e^10 to the bit
  o.max_frequency = 50;
  CHECK(o.for_photo({224, 224}, 384).network.upsampler.highest == std::log(50.0));
}

TEST_CASE("fit options: what cannot be meant is refused by its name") {
  const auto refusal = [](const std::string& name, const std::string& text) {
    return message_of([&] {
      FitOptions o;
      set_fields(o, {{name, text}});
    });
  };
  CHECK(refusal("views", "0") == "views 0: must be from 1 to 100000.");
  CHECK(refusal("downsampler", "mean") == "downsampler 'mean': choices are attention, simple.");
  FitOptions o;
  o.lr_schedule = "linear";
  CHECK(contains(message_of([&] { o.for_photo({64, 64}, 3); }), "lr-schedule 'linear': choices are constant, cosine."));
  o = {};
  o.held_out = 0;
  CHECK(contains(message_of([&] { o.for_photo({64, 64}, 3); }), "held-out 0: must be from 1 to 10000."));
  o = {};
  o.grid = false, o.steps = 0;
  CHECK(contains(message_of([&] { o.for_photo({64, 64}, 3); }), "nothing to fit"));
}
