// A fit's file is checked as a whole when it is read: every tensor and setting that does not belong is refused.
#include "featup/fit/fitted_map.h"

#include "core/pool.h"
#include "tests/core/file_bytes.h"

using namespace fu;
using namespace fu::test;

namespace {

using Tensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

constexpr Index kChannels = 6, kComponents = 4;

/// A fit with all that one may hold: components, grid, network, downsampler, uncertainty, history, an unfinished state.
FittedMap everything() {
  Random random(4);
  FittedMap fit;
  fit.photo = {12, 16, std::vector<unsigned char>(12 * 16 * 3, 90)};
  for (std::size_t i = 0; i < fit.photo.rgb.size(); ++i) fit.photo.rgb[i] = static_cast<unsigned char>(i * 7);
  fit.low = random.normal({1, 3, 4, kChannels});
  fit.pca.components = random.normal({kComponents, kChannels}), fit.pca.mean = random.normal({kChannels});
  fit.grid = random.normal({1, 3, 4, kComponents});
  fit.network_options.frequencies = 2;
  fit.network = std::make_shared<ImplicitNetwork>(fit.network_options, kComponents, &random);
  const Index k = kComponents;
  fit.extra = {{"downsampler.w", random.normal({5, 5})},
               {"downsampler.b", random.normal({5, 5})},
               {"downsampler.attention_net.1.weight", random.normal({1, k + 1})},
               {"downsampler.attention_net.1.bias", random.normal({1})},
               {"scale_net.net.weight", random.normal({1, k, 1, 1})},
               {"scale_net.net.bias", random.normal({1})},
               {"history", Tensor::from({2, 4}, {10, 0, 0.5f, 0.25f, 20, 5, 0.25f, 0.75f})},
               {"resume.state", Tensor::from({5}, {5, 5, 0, 40, 0.25f})},
               {"resume.optimizer.square.0", Tensor::full({3}, 1)}};
  fit.settings = {{"explained", "0.75"}, {"views", "20"}, {"steps", "5"}, {"seconds", "1.5"}};
  return fit;
}

/// What reading says of a good file after a change to it; empty if it is accepted.
template <class Change>
std::string refusal(const Change& change) {
  const TempFolder folder;
  const std::string path = folder / "x.fit.safetensors";
  everything().save(path);
  const Weights file(path);
  Tensors tensors;
  for (const auto& [name, entry] : file.entries()) tensors[name] = file.read(name);
  Metadata metadata = file.metadata();
  change(tensors, metadata);
  write_safetensors(path, tensors, metadata);
  const std::string text = message_of([&] { FittedMap::load(path); });
  CHECK((text.empty() || contains(text, path)));
  return text;
}

std::string refusal_with(const std::string& name, const Tensor& tensor) {
  return refusal([&](Tensors& t, Metadata&) { t[name] = tensor; });
}
std::string refusal_saying(const std::string& key, const std::string& text) {
  return refusal([&](Tensors&, Metadata& m) { m[key] = text; });
}

}  // namespace

TEST_CASE("fitted map: a whole file is read, and written with the same content") {
  CHECK(refusal([](Tensors&, Metadata&) {}).empty());
  const TempFolder folder;
  const FittedMap fit = everything();
  fit.save(folder / "a");
  const FittedMap again = FittedMap::load(folder / "a");
  for (const auto& [name, tensor] : fit.extra) CHECK(same_bits(tensor, again.extra.at(name)));
  again.save(folder / "b");
  CHECK(read_bytes(folder / "a") == read_bytes(folder / "b"));
}

TEST_CASE("fitted map: no tensor of another shape is accepted, nor one that is not finite, nor an unknown one") {
  Tensors all;
  {
    const TempFolder folder;
    everything().save(folder / "a");
    const Weights file(folder / "a");
    for (const auto& [name, entry] : file.entries()) all[name] = file.read(name);
  }
  CHECK(all.size() == 25);
  for (const auto& entry : all) {
    const std::string& name = entry.first;
    const Tensor& tensor = entry.second;
    CAPTURE(name);
    const bool free = name == "resume.optimizer.square.0";  // its shape belongs to the options that it is resumed with
    CHECK(refusal_with(name, Tensor::zeros({tensor.size(), 0})) != "");
    CHECK((free || refusal_with(name, Tensor::zeros({tensor.size() + 1})) != ""));
    CHECK((free || refusal_with(name, Tensor::zeros({1, 2, 3, 1, 2})) != ""));
    for (const real wrong : {real(NAN), real(INFINITY), real(-INFINITY), real(3e38)}) {
      Tensor t = tensor.clone();
      t.data()[t.size() - 1] = wrong;
      CHECK(contains(refusal_with(name, t), name));
    }
  }
  CHECK(contains(refusal_with("other", Tensor::zeros({1})), "tensor 'other' belongs to no part of a fitted map"));
  CHECK(contains(refusal_with("history", Tensor::zeros({64, 1})), "has the shape (64,1), expected (any,4)"));
  CHECK(contains(refusal_with("history", Tensor::zeros({2000000000, 0})), "history"));
  CHECK(contains(refusal_with("history", Tensor::from({1, 4}, {1, -1, 0, 0})), "row 0 of its history holds -1"));
  CHECK(contains(refusal_with("history", Tensor::from({1, 4}, {1, 1, 0, 2})), "in column 3"));
  CHECK(contains(refusal_with("photo", Tensor::full({12, 16, 3}, 256)), "expected numbers from 0 to 255"));
  CHECK(contains(refusal_with("photo", Tensor::full({12, 16, 3}, real(1.5))), "expected whole numbers"));
  CHECK(contains(refusal_with("grid", Tensor::zeros({1, 13, 4, kComponents})), "more cells than its photo has pixels"));
  CHECK(contains(refusal_with("downsampler.w", Tensor::zeros({2, 5})), "expected a square"));
  CHECK(contains(refusal_with("resume.state", Tensor::from({5}, {5, 6, 0, 0, 0})), "after its last"));
  CHECK(contains(refusal_with("resume.state", Tensor::from({5}, {5, 5, 0.5f, 0, 0})), "expected a whole number"));
  CHECK(contains(refusal_with("resume.optimizer.square.0", Tensor::full({3}, -1)), "from 0 to 1e+30"));
}

TEST_CASE("fitted map: settings are numbers in their range") {
  for (const char* key : {"explained", "grid_space", "grid_color", "views", "steps", "seconds", "frequencies",
                          "color_features", "highest_frequency"})
    for (const char* wrong : {"nan", "inf", "-inf", "x", "", "1x", "1e400", "-5", " 1"}) {
      CAPTURE(key);
      CAPTURE(wrong);
      if (std::string(key) == "explained" && std::string(wrong) == "-5") continue;  // a bad fit, but one
      CHECK(contains(refusal_saying(key, wrong), "'" + std::string(key) + "'"));
    }
  CHECK(contains(refusal_saying("frequencies", "40967"), "from 1 to 256"));
  CHECK(contains(refusal_saying("steps", "2.5"), "expected a whole number"));
  CHECK(contains(refusal_saying("explained", "1.5"), "from -1e+31 to 1"));
}

TEST_CASE("fitted map: sizes that the file does not hold cost no memory") {
  const auto wide = [](Tensors& t, Metadata& m) {
    t = {{"photo", Tensor::zeros({8, 8, 3})},
         {"low", Tensor::zeros({1, 1, 1, 30000})},
         {"upsampler.1.biases", Tensor::zeros({2, 5, 256})}};
    m["frequencies"] = "256";
  };
  set_memory_limit(64 << 20);
  const std::string text = refusal(wide);
  set_memory_limit(0);
  CHECK(contains(text, "has no tensor 'upsampler."));
}

TEST_CASE("fitted map: damaged anywhere, it is refused, or it can be used") {
  const TempFolder folder;
  everything().save(folder / "good");
  const std::string good = read_bytes(folder / "good");
  Random random(9);
  int refused = 0, used = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bytes = good;
    for (Index n = 1 + random.below(4); n > 0; --n)
      bytes[usize(random.below(i % 2 ? 2200 : static_cast<Index>(bytes.size())))] =
          static_cast<char>(random.below(256));
    write_bytes(folder / "bad", bytes);
    try {
      const FittedMap fit = FittedMap::load(folder / "bad");
      FittedRenderer renderer(fit, fit.photo);
      Tensor out({fit.photo.height, fit.photo.width, renderer.channels()});
      renderer.render(0, 0, fit.photo.height, fit.photo.width, out.data());
      ++used;
    } catch (const FileError& error) {
      CHECK(contains(error.what(), folder / "bad"));
      ++refused;
    }
  }
  CHECK(refused > 100);
  CHECK(used > 20);
}
