// Learning rates: values worked out from the formulas.
#include "layers/schedules.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

using doctest::Approx;

TEST_CASE("schedules: cosine, warm-up and both") {
  CHECK(cosine(0, 100) == Approx(1));
  CHECK(cosine(25, 100) == Approx(0.8535533906));  // (1 + cos 45 degrees) / 2
  CHECK(cosine(50, 100, 0.2) == Approx(0.6));
  CHECK(cosine(100, 100, 0.2) == Approx(0.2));
  CHECK(cosine(1000, 100) == Approx(0));
  CHECK(linear_warmup(0, 4, 0.25) == Approx(0.25));
  CHECK(linear_warmup(1, 4, 0.25) == Approx(0.4375));
  CHECK(linear_warmup(4, 4, 0.25) == Approx(1));
  CHECK(linear_warmup(0, 0) == Approx(1));
  CHECK(warmup_cosine(0, 10, 110) == Approx(0.1));
  CHECK(warmup_cosine(9, 10, 110) == Approx(1));
  CHECK(warmup_cosine(10, 10, 110) == Approx(1));
  CHECK(warmup_cosine(60, 10, 110) == Approx(0.5));
  CHECK(warmup_cosine(110, 10, 110, 0.1) == Approx(0.1));
  CHECK(warmup_cosine(5000, 10, 110, 0.1) == Approx(0.1));
}

TEST_CASE("schedules: one cycle, as PyTorch defines it") {
  // 11 steps, 40% of them up: the peak is at 0.4 * 11 - 1 = 3.4, between two steps. Worked out by hand:
  //   step 2, up:     lr = 1 + (0.04 - 1) / 2 (1 + cos(pi 2 / 3.4))
  //   step 7, down:   lr = 0.000004 + (1 - 0.000004) / 2 (1 + cos(pi 3.6 / 6.6))
  OneCycle c;
  c.max_lr = 1, c.total_steps = 11, c.pct_start = 0.4;
  CHECK(c.lr(0) == Approx(0.04));
  CHECK(c.lr(2) == Approx(0.6513582));
  CHECK(c.lr(7) == Approx(0.4288449));
  CHECK(c.lr(10) == Approx(0.000004));
  CHECK(c.momentum(0) == Approx(0.95));
  CHECK(c.momentum(2) == Approx(0.8863169));  // 0.85 + 0.1 / 2 (1 + cos(pi 2 / 3.4))
  CHECK(c.momentum(10) == Approx(0.95));
  // Straight lines over 10 steps, the peak at step 2, in three phases: the first rate again at step 4.
  OneCycle t;
  t.max_lr = 10, t.total_steps = 10, t.pct_start = 0.3, t.linear = true;
  CHECK(t.lr(1) == Approx(5.2));  // halfway from 0.4 to 10
  CHECK(t.lr(2) == Approx(10));
  CHECK(t.lr(9) == Approx(0.00004));
  t.three_phase = true;
  CHECK(t.lr(2) == Approx(10));
  CHECK(t.lr(3) == Approx(5.2));
  CHECK(t.lr(4) == Approx(0.4));
  CHECK(t.lr(9) == Approx(0.00004));
  CHECK(t.momentum(2) == Approx(0.85));
  CHECK(t.momentum(4) == Approx(0.95));
  CHECK(t.momentum(7) == Approx(0.95));
  // A part so small that nothing rises: it begins at the peak.
  t.three_phase = false, t.pct_start = 0.1;
  CHECK(t.lr(0) == Approx(10));
  CHECK(contains(message_of([&] { t.lr(10); }), "[one_cycle] step 10 of 10"));
}
