// Lists of fields: text and back, ranges, choices, and what two configurations must share.
#include <doctest/doctest.h>

#include "featup/fields.h"

namespace fu {
namespace {

struct Example {
  Index views = 200;
  double smoothness = 0.1;
  bool grid = true;
  std::uint64_t seed = 0;
  double time_budget = 0;
  std::string schedule = "constant";
};

template <class Options, class Visitor, FieldsOf<Example, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.views, FieldInfo("views", "views").range(1, 1000));
  field(o.smoothness, FieldInfo("smoothness", "weight of the prior").range(0, 10));
  field(o.grid, FieldInfo("grid", "a learned grid"));
  field(o.seed, FieldInfo("seed", "of everything random"));
  field(o.time_budget, FieldInfo("time-budget", "seconds").keeps_result());
  field(o.schedule, FieldInfo("lr-schedule", "of the learning rate").one_of({"constant", "cosine"}));
}

struct Other {
  Index steps = 3;
};

template <class Options, class Visitor, FieldsOf<Other, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.steps, FieldInfo("steps", "steps"));
}

}  // namespace

TEST_CASE("fields: two configurations in one file keep to their own fields") {
  CHECK(fingerprint(Other()) == "steps=3");
}

TEST_CASE("fields: a fingerprint holds every field that changes the result, with all digits") {
  Example o;
  o.time_budget = 5;
  CHECK(fingerprint(o) == "views=200 smoothness=0.10000000000000001 grid=1 seed=0 lr-schedule=constant");
}

TEST_CASE("fields: given names are set, the others stay") {
  Example o;
  set_fields(o, {{"views", "7"}, {"grid", "0"}, {"smoothness", "0.5"}, {"lr-schedule", "cosine"}});
  CHECK(o.views == 7);
  CHECK(!o.grid);
  CHECK(o.smoothness == 0.5);
  CHECK(o.schedule == "cosine");
  CHECK(o.seed == 0);
  Example again;
  again.views = 0;
  set_fields(again, {{"views", field_text(o.views)}, {"smoothness", field_text(o.smoothness)}});
  CHECK(again.views == o.views);
}

TEST_CASE("fields: what cannot be meant is refused by its name") {
  const auto refusal = [](const std::string& name, const std::string& text) {
    Example o;
    try {
      set_fields(o, {{name, text}});
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refusal("views", "0") == "views 0: must be from 1 to 1000.");
  CHECK(refusal("views", "7x") == "views '7x': give a whole number.");
  CHECK(refusal("views", "") == "views '': give a whole number.");
  CHECK(refusal("smoothness", "nan") == "smoothness 'nan': give a number.");
  CHECK(refusal("seed", "-1") == "seed '-1': give a whole number.");
  CHECK(refusal("lr-schedule", "linear") == "lr-schedule 'linear': choices are constant, cosine.");
  CHECK(refusal("grid", "yes") == "grid 'yes': give 0 or 1.");
  CHECK(refusal("colour", "1").find("The fields are: views, smoothness") != std::string::npos);
}

}  // namespace fu
