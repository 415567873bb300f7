// The options of a training: one list, its defaults, and what the trainer is made of.
#include "featup/training/train_options.h"

#include <set>

#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("train options: every field is listed once, and reads back from its own text") {
  TrainOptions o = TrainOptions::from({{"steps", "7"}, {"crf", "0.1"}, {"shared", "1"}, {"downsampler", "mean"}});
  std::set<std::string> names;
  std::map<std::string, std::string> texts;
  visit_fields(o, [&](const auto& value, const FieldInfo& info) {
    CHECK(names.insert(info.name).second);
    CHECK(!info.help.empty());
    if (info.name != "compat" && info.applies(field_texts(o))) texts[info.name] = field_text(value);
  });
  CHECK(names.size() == 38);
  CHECK(fingerprint(TrainOptions::from(texts)) == fingerprint(o));
  CHECK(fingerprint(o) != fingerprint(TrainOptions()));
}

TEST_CASE("train options: defaults are ours, or those of the published code") {
  const TrainOptions ours = TrainOptions::from({}), published = TrainOptions::from({{"compat", "published"}});
  CHECK(fingerprint(ours) == fingerprint(TrainOptions()));
  CHECK(fingerprint(published) == fingerprint(TrainOptions::published()));
  CHECK(TrainOptions::from({{"compat", "published"}, {"lr", "0.5"}}).lr == 0.5);
  CHECK(published.lr_at(1999) == 1e-3);
  CHECK(ours.lr_at(0) == 5e-3);
  CHECK(ours.lr_at(500) == doctest::Approx(1e-4));
  // A bilateral start brings its own temperature, and one level has no second one to smooth after.
  CHECK(TrainOptions::from({{"color-range", "0.1"}}).temperature == 1);
  CHECK(TrainOptions::from({{"color-range", "0.1"}, {"temperature", "3"}}).temperature == 3);
  CHECK(TrainOptions::from({{"levels", "1"}}).smooth == 0);
  CHECK(TrainOptions::from({{"levels", "2"}}).smooth == 30);
}

TEST_CASE("train options: the trainer's part of them") {
  const UpsamplerTrainerOptions ours = trainer_options(TrainOptions());
  CHECK(ours.objective.attention);
  CHECK(ours.objective.filter.strength == real(2.2));
  CHECK(ours.objective.layers.smoothing.strength == 30);
  CHECK(ours.objective.layers.sigma == 0.4);
  CHECK(ours.objective.layers.dropout == 0.1);
  CHECK(!ours.norm);
  const UpsamplerTrainerOptions published = trainer_options(TrainOptions::published());
  CHECK(published.objective.published);
  CHECK(published.norm);
  CHECK(!published.objective.filter.present());
  CHECK(!published.objective.layers.smoothing.present());
  const UpsamplerTrainerOptions mean =
      trainer_options(TrainOptions::from({{"downsampler", "mean"}, {"color-range", "1"}}));
  CHECK(!mean.objective.attention);
  CHECK(mean.objective.plain_mean);
  CHECK(mean.objective.layers.dropout == 0);
}

TEST_CASE("train options: what cannot be meant is refused by the name of the argument") {
  CHECK(contains(message_of([] { TrainOptions::from({{"levels", "9"}}); }), "levels 9: must be from 1 to 6"));
  CHECK(contains(message_of([] { TrainOptions::from({{"compat", "ours"}}); }), "compat 'ours': choices are published"));
  CHECK(contains(message_of([] { TrainOptions::from({{"colour", "1"}}); }), "is no field"));
  CHECK(contains(message_of([] {
                   trainer_options(TrainOptions::from({{"levels", "1"}, {"smooth", "20"}}));
                 }),
                 "[train] smooth 20: smoothing follows level 2"));
}

TEST_CASE("train options: fields that have no meaning for the kind or the loss are refused, and said nowhere") {
  const TrainOptions naf = TrainOptions::from({{"kind", "naf"}, {"loss", "crops"}, {"crops", "2"}});
  CHECK(naf.lr == 1e-3);
  CHECK(trainer_options(naf).objective.kind == "naf");
  CHECK(trainer_options(naf).objective.loss == TrainingLoss::crops);
  const std::string said = fingerprint(naf);
  for (const char* there : {"kind=naf", "loss=crops", "crops=2", "steps=500"}) CHECK(contains(said, there));
  for (const char* absent : {"levels=", "crf=", "jitters=", "compat="}) CHECK(!contains(said, absent));
  // Settings of stacks are as they were before there were other kinds: their checkpoints can go on.
  for (const char* absent : {"kind=", "loss=", "crop", "upscale="})
    CHECK(!contains(fingerprint(TrainOptions()), absent));
  CHECK(contains(message_of([] {
                   TrainOptions::from({{"kind", "naf"}, {"levels", "3"}});
                 }),
                 "levels: has a meaning only with the kind jbu, not naf"));
  CHECK(contains(message_of([] { TrainOptions::from({{"upscale", "4"}}); }), "only with the kind anyup, jafar, naf"));
  CHECK(contains(message_of([] { TrainOptions::from({{"loss", "crops"}, {"tv", "1"}}); }), "only with the loss views"));
}
