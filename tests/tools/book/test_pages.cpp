// The book's pages: marks and blocks, listings, outputs that may differ in a last digit, links and anchors.
#include "tests/support.h"
#include "tools/book/pages.h"

using namespace fu;
using namespace fu::book;
using namespace fu::test;

TEST_CASE("book: a listing lies between its two borders, without indentation and the borders of others") {
  const Lines source = {"int x;", "  //! [a]", "  f();", "", "  //! [b]", "    g();", "  //! [b]", "  //! [a]"};
  CHECK(listing_of(source, "a") == Lines{"f();", "", "  g();"});
  CHECK(listing_of(source, "b") == Lines{"g();"});
  CHECK(contains(message_of([&] { listing_of(source, "c"); }), "'//! [c]' stands on 0 lines"));
}

TEST_CASE("book: blocks below marks are replaced, added, or kept; code in other blocks is left alone") {
  const Lines page = {"text",
                      "<!-- listing a.cpp x -->",
                      "```cpp",
                      "old",
                      "```",
                      "```",
                      "<!-- output no -->",
                      "```",
                      "<!-- output s -->",
                      "more",
                      "<!-- measured t -->",
                      "```",
                      "1 ms",
                      "```"};
  REQUIRE(marks_of(page).size() == 3);
  CHECK(marks_of(page)[0].second == "x");
  CHECK(blocks_of(page) == std::vector<Lines>{{"old"}, {}, {"1 ms"}});
  const Lines listing = {"new"}, output = {"5"};
  CHECK(with_blocks(page, {&listing, &output, nullptr}) ==
        Lines{"text", "<!-- listing a.cpp x -->", "```cpp", "new", "```", "```", "<!-- output no -->", "```",
              "<!-- output s -->", "```", "5", "```", "more", "<!-- measured t -->", "```", "1 ms", "```"});
  CHECK(contains(message_of([] { marks_of({"<!-- outputs x -->"}); }), "'<!-- outputs x -->' is no mark"));
  CHECK(contains(message_of([] { marks_of({"a", "```"}); }), "line 2: a block begins"));
}

TEST_CASE("book: outputs are equal up to one unit of a number's last decimal") {
  CHECK(same_output({"loss 0.125, step 3"}, {"loss 0.126, step 3"}));
  CHECK(same_output({"(-0.10)"}, {"(-0.11)"}));
  CHECK(!same_output({"loss 0.125"}, {"loss 0.127"}));
  CHECK(!same_output({"loss 0.125"}, {"loss 0.12"}));
  CHECK(!same_output({"step 3"}, {"step 4"}));
  CHECK(!same_output({"a"}, {"b"}));
  CHECK(!same_output({"a"}, {"a", "b"}));
  CHECK(sections_of("before\n== one\n1\n\n== two\n").at("one") == Lines{"1", ""});
}

TEST_CASE("book: links stand outside of code, anchors are those of Git hosts") {
  const Lines page = {"# 1 A `title`, and $x$",
                      "[a](b.md#c) and `[no](no)` ![p](figures/1-p.svg)",
                      "```",
                      "# [no](no)",
                      "```",
                      "## Answers",
                      "## Answers"};
  CHECK(links_of(page) == std::vector<std::string>{"b.md#c", "figures/1-p.svg"});
  CHECK(anchors_of(page) == std::vector<std::string>{"1-a-title-and-x", "answers", "answers-1"});
}
