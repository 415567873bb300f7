// A probe's file: what is written is read, and what makes no sense is refused in words.
#include <fstream>

#include "core/ops.h"
#include "featup/probes/probe.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

Probe example_probe(bool hidden) {
  Random random(1);
  Probe p;
  const Index inputs = hidden ? 6 : 4;
  p.channels = 4;
  if (hidden) p.hidden_weight = random.normal({6, 4}), p.hidden_bias = random.normal({6});
  p.weight = random.normal({3, inputs}), p.bias = random.normal({3});
  p.names = {"road", "sky, clouds", "tree \"oak\""};
  p.backbone = "ViT-Ti/16", p.settings = "feature key (option)", p.size = "448", p.upsampler = "views:3+builtin";
  p.unlabelled = 11, p.unit = "m";
  return p;
}

using Metadata = std::map<std::string, std::string>;
using Tensors = std::map<std::string, Tensor>;

/// The message for a file like that of an example, changed by f.
template <class F>
std::string refusal(const std::string& path, const F& change) {
  write_probe(path, example_probe(true));
  Metadata metadata;
  Tensors tensors;
  {
    const Weights file(path);
    metadata = file.metadata();
    for (const auto& [name, entry] : file.entries()) tensors[name] = file.read(name);
  }
  change(tensors, metadata);
  write_safetensors(path, tensors, metadata);
  const std::string message = message_of([&] { read_probe(path); });
  CHECK(message.rfind(path, 0) == 0);
  return message.substr(std::min(message.size(), path.size()));
}

}  // namespace

TEST_CASE("probe file: everything comes back") {
  const TempFolder folder;
  for (const bool hidden : {false, true})
    for (const Probe::Kind kind : {Probe::Kind::classes, Probe::Kind::numbers}) {
      Probe p = example_probe(hidden);
      p.kind = kind;
      if (kind == Probe::Kind::numbers) p.centre = Tensor::from({3}, {1, 2, 3});
      write_probe(folder / "p.safetensors", p, {{"input", "photos"}});
      const Probe q = read_probe(folder / "p.safetensors");
      CHECK(q.kind == kind);
      CHECK(same_bits(q.weight, p.weight));
      CHECK(same_bits(q.bias, p.bias));
      CHECK(q.has_hidden() == hidden);
      CHECK(same_bits(q.centre, p.centre));
      CHECK(same_bits(q.hidden_weight, p.hidden_weight));
      CHECK(same_bits(q.hidden_bias, p.hidden_bias));
      CHECK(q.names == p.names);
      CHECK(q.backbone == p.backbone);
      CHECK(q.settings == p.settings);
      CHECK(q.channels == 4);
      CHECK(q.size == "448");
      CHECK(q.upsampler == p.upsampler);
      CHECK(q.unlabelled == 11);
      CHECK(q.unit == "m");
      const Weights file(folder / "p.safetensors");
      CHECK(is_probe(file));
      CHECK(file.metadata().at("input") == "photos");
    }
  CHECK(describe_probe(example_probe(true)) ==
        "3 classes (m) from 4 channels by a hidden layer of 6 units and a linear layer; road, sky, clouds, tree "
        "\"oak\"");
}

TEST_CASE("probe file: what it computes") {
  Probe p;
  p.channels = 2;
  p.hidden_weight = Tensor::from({3, 2}, {1, 0, 0, 1, -1, -1}), p.hidden_bias = Tensor::from({3}, {0, 1, 0});
  p.weight = Tensor::from({2, 3}, {1, 2, 3, 0, 0, 1}), p.bias = Tensor::from({2}, {10, 20});
  const Tensor x = Tensor::from({1, 1, 2, 2}, {1, 2, -3, -4});
  CHECK(same_bits(probe_hidden(p, x), Tensor::from({1, 1, 2, 3}, {1, 3, 0, 0, 0, 7})));
  CHECK(same_bits(apply_probe(p, x), Tensor::from({1, 1, 2, 2}, {17, 20, 31, 27})));
  const ChannelMap map = probe_outputs(p);
  CHECK(map.matrix.shape() == Shape{3, 2});
  CHECK(map.offset_first);
  p.centre = Tensor::from({2}, {9, 21}), p.upsampler = "builtin";
  CHECK(same_bits(probe_outputs(p, true).offset, Tensor::from({2}, {1, -1})));
  CHECK(same_bits(probe_outputs(p).offset, p.bias));
  CHECK(!probe_outputs(p).offset_first);
}

TEST_CASE("probe file: refusals name the file, what was expected and what was found") {
  const TempFolder folder;
  const std::string path = folder / "p.safetensors";
  const auto check = [&](const auto& change, const std::string& expected) { CHECK(refusal(path, change) == expected); };
  check([](Tensors&, Metadata& m) { m.erase("format"); }, ": is no probe: its metadata has no 'format' featup probe.");
  check([](Tensors&, Metadata& m) { m["format"] = "featup probe 7"; },
        ": is a probe of the format 'featup probe 7', expected 'featup probe': it is of a later version.");
  check([](Tensors&, Metadata& m) { m["kind"] = "words"; },
        ": its metadata 'kind' is 'words', expected classes or numbers.");
  check([](Tensors&, Metadata& m) { m.erase("backbone"); },
        ": its metadata has no 'backbone', which every probe has. Train the probe again.");
  check([](Tensors&, Metadata& m) { m["channels"] = "4x"; },
        ": its metadata 'channels' is '4x', expected a whole number up to 16777216.");
  check([](Tensors&, Metadata& m) { m["unlabelled"] = "256"; },
        ": its metadata 'unlabelled' is '256', expected a whole number up to 255.");
  check([](Tensors&, Metadata& m) { m["names"] = "one\ntwo\n"; },
        ": its metadata 'names' has 2 lines, expected 3, one for each output.");
  check([](Tensors& t, Metadata&) { t["other"] = Tensor::zeros({2}); },
        ": tensor 'other' belongs to no part of a probe.");
  check(
      [](Tensors& t, Metadata&) {
        t["bias"] = Tensor::zeros({1, 3});
      },
      ": tensor 'bias' has the shape (1,3), expected (any) in a probe.");
  check([](Tensors& t, Metadata&) { t["hidden.weight"] = Tensor::zeros({6}); },
        ": tensor 'hidden.weight' has the shape (6), expected (any,4) in a probe.");
  check(
      [](Tensors& t, Metadata& m) {
        t["weight"] = Tensor::zeros({1, 6}), t["bias"] = Tensor::zeros({1}), m["names"] = "a\n";
      },
      ": tensor 'bias' has 1 elements, expected 2 to 255 classes.");
  CHECK(contains(refusal(path, [](Tensors& t, Metadata&) { t.erase("weight"); }), "'weight'"));
  CHECK(contains(refusal(path, [](Tensors& t, Metadata&) { t.erase("hidden.bias"); }), "'hidden.bias'"));
  const std::string shape = refusal(path, [](Tensors& t, Metadata&) { t["weight"] = Tensor::zeros({3, 5}); });
  for (const char* part : {"'weight'", "(3,5)", "(3,6)"}) CHECK(contains(shape, part));
  const std::string channels = refusal(path, [](Tensors&, Metadata& m) { m["channels"] = "5"; });
  for (const char* part : {"'hidden.weight'", "(6,4)", "(any,5)"}) CHECK(contains(channels, part));
  CHECK(contains(refusal(path, [](Tensors& t, Metadata&) { t["bias"] = Tensor::full({3}, NAN); }), "'bias'"));
  CHECK(contains(message_of([&] { read_probe(folder / "none.safetensors"); }), "none.safetensors"));

  Probe wrong = example_probe(true);
  wrong.names.pop_back();
  CHECK(contains(message_of([&] { write_probe(path, wrong); }), "do not fit together"));
  wrong.names.push_back("two\nlines");
  CHECK(contains(message_of([&] { write_probe(path, wrong); }), "line break"));
}

TEST_CASE("probe file: cut off or with a changed bit it is refused, or is a probe all the same") {
  const TempFolder folder;
  const std::string path = folder / "p.safetensors";
  write_probe(path, example_probe(true));
  std::ifstream in(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  Random random(7);
  for (int i = 0; i < 600; ++i) {
    std::string bytes = whole;
    const std::size_t at = static_cast<std::size_t>(random.below(static_cast<Index>(whole.size())));
    if (i % 3 == 0)
      bytes.resize(at);
    else
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
    std::ofstream(folder / "q.safetensors", std::ios::binary) << bytes;
    bool refused = false;
    try {
      const Probe p = read_probe(folder / "q.safetensors");
      CHECK(apply_probe(p, Tensor::zeros({1, 1, 1, p.channels})).dim(3) == static_cast<Index>(p.names.size()));
    } catch (const FileError&) {
      refused = true;
    }
    if (i % 3 == 0) CHECK(refused);
  }
}
