#include "tools/cli/recommendation.h"

#include <cmath>
#include <cstdio>

#include "core/error.h"

namespace fu {

namespace {

std::string formatted(const char* format, double v) {
  char text[64];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

/// The measure that a choice follows, and how it is written.
struct Measure {
  Quality MethodQuality::*quality;
  const char *name, *format;

  const Quality& of(const MethodQuality& m) const { return m.*quality; }
  std::string text(const MethodQuality& m) const { return formatted(format, of(m).value); }
  std::string text(double difference) const { return formatted(format, difference); }
};
const Measure kExplained{&MethodQuality::explained, "explained variance of unseen views", "%.3f"};
const Measure kIou{&MethodQuality::iou, "the labels", "%.1f %%"};

/// What a measure says of all methods; null where there is none.
struct Choice {
  const MethodQuality* best = nullptr;       // of one pass, without the reference
  const MethodQuality* pick = nullptr;       // of one pass
  const MethodQuality* best_slow = nullptr;  // the best of many passes
  Gain over_reference, over_pick;            // of `best`, of `best_slow`
  bool above = false, slow_is_better = false;
};

Choice choice_by(const Measure& measure, const std::vector<MethodQuality>& methods) {
  Choice c;
  const MethodQuality& reference = methods.front();
  for (std::size_t i = 1; i < methods.size(); ++i) {
    const MethodQuality& m = methods[i];
    if (m.cost == Cost::made_elsewhere || !std::isfinite(measure.of(m).value)) continue;
    const MethodQuality*& best = m.cost == Cost::one_pass ? c.best : c.best_slow;
    if (!best || measure.of(m).value > measure.of(*best).value) best = &m;
  }
  if (c.best) c.over_reference = gain_of(measure.of(*c.best), measure.of(reference));
  c.above = c.best && c.over_reference.clear() && measure.of(*c.best).value > measure.of(reference).value;
  c.pick = c.above ? c.best : &reference;
  if (c.best_slow) c.over_pick = gain_of(measure.of(*c.best_slow), measure.of(*c.pick));
  c.slow_is_better = c.best_slow && c.over_pick.clear();
  return c;
}

std::string gain_text(const Measure& measure, const Gain& gain) {
  const std::string mean = measure.text(gain.mean);
  return gain.samples > 1 ? mean + " +- " + measure.text(gain.spread) : mean + ", a single sample";
}

/// "it explains 0.308 of unseen views, bilinear 0.274"
std::string what_it_does(const Measure& measure, const MethodQuality& m) {
  if (measure.quality == kIou.quality) return "a linear probe reaches a mean IoU of " + measure.text(m) + " with it";
  return "it explains " + measure.text(m) + " of unseen views";
}

std::string about_the_pick(const Measure& measure, const Choice& c, const MethodQuality& reference) {
  const std::string time = " in " + time_text(c.pick->milliseconds) + " a photo";
  if (c.above)
    return "Take " + c.pick->name + ": " + what_it_does(measure, *c.pick) + ", " + reference.name + " " +
           measure.text(reference) + "," + time + (c.over_reference.samples > 1 ? "." : " (a single sample).");
  const std::string take = "Take " + reference.name + ": ", does = what_it_does(measure, reference) + time;
  if (!c.best) return take + does + ", and no other method of one pass was measured.";
  if (measure.of(*c.best).value <= measure.of(reference).value)
    return take + does + ", and no other method of one pass does better.";
  return take + "no other method of one pass is above it by more than the spread of the mean. The best one is " +
         c.best->name + ", " + measure.text(*c.best) + " where " + reference.name + " has " + measure.text(reference) +
         ", a difference of " + gain_text(measure, c.over_reference) + "; " + reference.name + " takes " +
         time_text(reference.milliseconds) + " a photo.";
}

std::string about_the_slow(const Measure& measure, const Choice& c) {
  if (!c.best_slow) return "";
  const MethodQuality& m = *c.best_slow;
  // Where it saw fewer photos than the pick, its value alone is no comparison.
  std::string some;
  if (c.over_pick.samples < measure.of(*c.pick).samples.size())
    some = " (on " + std::to_string(c.over_pick.samples) + " of " + std::to_string(measure.of(*c.pick).samples.size()) +
           " photos, where " + (c.slow_is_better ? "it gains " : "the difference is ") +
           gain_text(measure, c.over_pick) + ")";
  if (!c.slow_is_better)
    return " Of the methods of many passes, none is better by more than the spread of the mean: " + m.name + " has " +
           measure.text(m) + " in " + time_text(m.milliseconds) + some + ".";
  const std::string time = time_text(m.milliseconds);
  return (m.milliseconds >= 1000 ? " If seconds are fine, " : " If " + time + " are fine, ") + m.name +
         (measure.quality == kIou.quality ? " reaches " : " explains ") + measure.text(m) + " in " + time + some + ".";
}

}  // namespace

Gain gain_of(const Quality& better, const Quality& than) {
  Gain gain;
  std::vector<double> differences;
  for (std::size_t i = 0; i < better.samples.size() && i < than.samples.size(); ++i)
    if (const double d = better.samples[i] - than.samples[i]; std::isfinite(d)) differences.push_back(d);
  gain.samples = differences.size();
  if (differences.empty()) return gain;
  const auto n = static_cast<double>(differences.size());
  for (const double d : differences) gain.mean += d / n;
  double squares = 0;
  for (const double d : differences) squares += (d - gain.mean) * (d - gain.mean);
  if (n > 1) gain.spread = std::sqrt(squares / (n - 1) / n);
  return gain;
}

Recommendation recommend(const std::vector<MethodQuality>& methods) {
  require<UsageError>(!methods.empty(), "[recommend] no method was measured; give at least the reference.");
  Recommendation r;
  const MethodQuality& reference = methods.front();
  r.by_labels = !reference.iou.samples.empty();
  const Measure &measure = r.by_labels ? kIou : kExplained, &other = r.by_labels ? kExplained : kIou;
  const Choice choice = choice_by(measure, methods);
  r.pick = choice.pick->name, r.above_reference = choice.above;
  if (choice.slow_is_better) r.slow = choice.best_slow->name;
  r.sentence = about_the_pick(measure, choice, reference) + about_the_slow(measure, choice);
  if (!r.by_labels) return r;
  const Choice second = choice_by(other, methods);
  r.agree = second.pick == choice.pick;
  r.sentence += std::string(" This follows ") + measure.name + "; " + other.name + " ";
  if (r.agree)
    r.sentence += "picks the same.";
  else
    r.sentence += "would pick " + second.pick->name + " (" + other.text(*second.pick) + ", " + choice.pick->name + " " +
                  other.text(*choice.pick) + ").";
  return r;
}

std::string time_text(double milliseconds) {
  if (milliseconds >= 9950) return formatted("%.0f s", milliseconds / 1000);
  if (milliseconds >= 999.5) return formatted("%.1f s", milliseconds / 1000);
  return formatted(milliseconds < 9.95 ? "%.1f ms" : "%.0f ms", milliseconds);
}

}  // namespace fu
