// Numbers in texts, whatever the application's locale.
#include "core/number_text.h"

#include <limits>
#include <locale>

#include "core/error.h"
#include "tests/support.h"

using namespace fu;

namespace {

struct German : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

struct WithGerman {
  std::locale before = std::locale::global(std::locale(std::locale::classic(), new German));
  ~WithGerman() { std::locale::global(before); }
};

}  // namespace

TEST_CASE("number text: 17 digits read back as the same number, fewer are rounded") {
  for (const double x : {0.1, -1.0 / 3, 1e300, 5e-324, 12345678.0, 0.0, -0.0}) {
    double back = 1;
    CHECK(read_number(number_text(x), back));
    CHECK(back == x);
    CHECK(std::signbit(back) == std::signbit(x));
  }
  CHECK(number_text(0.123456789, 6) == "0.123457");
  CHECK(number_text(1e-6, 6) == "1e-06");
  CHECK(number_text(12) == "12");
  double infinite = 0;
  CHECK(read_number(number_text(std::numeric_limits<double>::infinity()), infinite));
  CHECK(std::isinf(infinite));
}

TEST_CASE("number text: only a number as a whole is read") {
  double x = 7;
  for (const char* text : {"", " 1", "1 ", "1,5", "1.5x", "one", "1e", "0x10", "1e999"}) {
    CAPTURE(text);
    CHECK_FALSE(read_number(text, x));
    CHECK(x == 7);
  }
}

TEST_CASE("number text: a decimal point and no groups, under an application's locale too") {
  const WithGerman german;
  CHECK(number_text(1234.5) == "1234.5");
  double x = 0;
  CHECK(read_number("1234.5", x));
  CHECK(x == 1234.5);
  CHECK(cat("of ", 1234567, " and ", 0.5) == "of 1234567 and 0.5");
}
