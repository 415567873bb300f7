// Weights of several files, folders as Hugging Face gives them, and NumPy's .npz.
#include "core/files/weights.h"
#include "tests/core/file_bytes.h"

using namespace fu;
using namespace fu::test;

namespace {

std::string array(const std::string& shape, const std::string& data, const std::string& type = "<f4") {
  return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n", data);
}

}  // namespace

TEST_CASE("folders: the usual names, in their order") {
  const TempFolder folder;
  CHECK(contains(message_of([&] { Weights w(folder.path()); }),
                 "is a folder without weights: none of model.safetensors, model.safetensors.index.json, "
                 "pytorch_model.bin, pytorch_model.bin.index.json, open_clip_model.safetensors, "
                 "open_clip_pytorch_model.bin is in it"));
  const auto value = [&] {
    const Weights w(folder.path());
    CHECK(w.path() == folder.path());
    CHECK(w.folder() == folder.path());
    return w.read("w").data()[0];
  };
  write_torch(folder / "open_clip_pytorch_model.bin", "state_dict", {{"w", Tensor::full({1}, 1)}});
  CHECK(value() == 1);
  write_safetensors(folder / "open_clip_model.safetensors", {{"w", Tensor::full({1}, 2)}});
  CHECK(value() == 2);
  write_torch(folder / "pytorch_model.bin", "state_dict", {{"w", Tensor::full({1}, 3)}});
  CHECK(value() == 3);
  write_safetensors(folder / "model.safetensors", {{"w", Tensor::full({1}, 4)}});
  CHECK(value() == 4);
  CHECK(Weights(folder / "model.safetensors").folder() == folder.path());
  CHECK(Weights(folder.path() + "/").read("w").data()[0] == 4);
}

TEST_CASE("folders: tensors in shards are found by their index") {
  const TempFolder folder;
  const auto index = [&](const std::string& map) {
    write_bytes(folder / "model.safetensors.index.json",
                "{\n \"metadata\": {\"total_size\": 8, \"more\": [1, {\"a\": null}]},\n \"weight_map\": " + map + "}");
    return message_of([&] { Weights w(folder.path()); });
  };
  write_safetensors(folder / "model-00001-of-00002.safetensors", {{"a", Tensor::full({2}, 1)}}, {{"format", "pt"}});
  write_safetensors(folder / "model-00002-of-00002.safetensors", {{"b", Tensor::full({3}, 2)}});
  const std::string both = R"({"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"})";
  CHECK(index(both).empty());
  for (const std::string& path : {folder.path(), folder / "model.safetensors.index.json"}) {
    const Weights w(path);
    CHECK(w.path() == path);
    CHECK(w.folder() == folder.path());
    CHECK(w.format() == "safetensors");
    CHECK(w.metadata().at("format") == "pt");
    REQUIRE(w.entries().size() == 2);
    CHECK(w.read("a", {2}).data()[1] == 1);
    CHECK(w.read("b", {3}).data()[2] == 2);
  }
  CHECK(contains(index(R"({"c": "model-00001-of-00002.safetensors"})"),
                 "says that tensor 'c' is in model-00001-of-00002.safetensors, which does not hold it"));
  CHECK(contains(index(R"({"a": "model-00003-of-00002.safetensors"})"), "cannot be opened: No such file"));
  CHECK(contains(index(R"({"a": "model-00003-of-00002.safetensors"})"), "index.json names"));
  for (const char* name : {"../x.safetensors", "/etc/passwd", "a/../../x", "", "a\\\\x"})
    CHECK(contains(index(std::string("{\"a\": \"") + name + "\"}"), "leads out of its folder"));
  CHECK(contains(index(R"({"a": 1})"), "a weight_map that is no list of names"));
  CHECK(contains(index(R"({"a": {"b": "c"}})"), "a weight_map that is no list of names"));
  CHECK(contains(index(R"(["a"])"), "JSON without a weight_map"));
  CHECK(contains(index("{}"), "JSON without a weight_map"));
  CHECK(contains(index("{"), "no valid JSON"));
  CHECK(contains(index(std::string(100000, '[')), "absurdly deep"));
  CHECK(contains(index(both.substr(0, both.size() - 1) + R"(, "a": "x"})"), "the name 'a' twice"));
}

TEST_CASE("folders: PyTorch's shards too") {
  const TempFolder folder;
  write_torch(folder / "pytorch_model-1.bin", "model", {{"a", Tensor::full({2}, 1)}});
  write_bytes(folder / "pytorch_model.bin.index.json", R"({"weight_map": {"a": "pytorch_model-1.bin"}})");
  CHECK(Weights(folder.path()).read("a").data()[0] == 1);
}

TEST_CASE("folders: a snapshot of Hugging Face") {
  FU_NEEDS_SHARED(shared);
  const std::string path = shared + "/backbones/snapshot_vit";
  const Weights w(path);
  CHECK(w.folder() == path);
  CHECK(w.has("embeddings.patch_embeddings.projection.weight"));
}

TEST_CASE("npz: stored and deflated arrays, by their names") {
  const TempFolder folder;
  const std::string numbers("\0\0\x80\x3f\0\0\0\x40", 8);
  for (const int method : {0, 8}) {
    write_bytes(folder / "x.npz", zip({{"features.npy", array("(1, 2)", numbers)},
                                       {"labels.npy", array("(3,)", "abcabcabcabc", "<U1")},
                                       {"objects.npy", array("(1,)", "cos\nsystem\n", "|O")},
                                       {"empty.npy", array("(0, 4)", "")},
                                       {"big.npy", array("(1,)", std::string("\x3f\x80\0\0", 4), ">f4")},
                                       {"notes.txt", "not an array"}},
                                      method));
    const Weights w(folder / "x.npz");
    CHECK(w.format() == "NumPy zip");
    REQUIRE(w.entries().size() == 3);
    CHECK(w.read("features", {1, 2}).data()[1] == 2);
    CHECK(w.read("empty").shape() == Shape{0, 4});
    CHECK(w.read("big").item() == 1);
    CHECK(w.has("objects"));
    CHECK(contains(message_of([&] { w.read("objects"); }), "array 'objects.npy': holds numbers of type '|O'"));
    CHECK(contains(message_of([&] { w.read("none"); }), "has no tensor 'none'"));
  }
}

TEST_CASE("npz: damaged and hostile archives end in one line") {
  const auto error_for = [](const std::vector<ZipPart>& parts) {
    const TempFolder folder;
    write_bytes(folder / "x.npz", zip_of(parts));
    return message_of([&] {
      const Weights w(folder / "x.npz");
      for (const auto& [name, unused] : w.entries()) w.read(name);
    });
  };
  // What the directory claims is untrue: too much for so few bytes, and too little.
  const std::string zeros = array("(250000,)", std::string(1000000, '\0'));
  CHECK(error_for({{"a.npy", zeros, 8}}).empty());
  CHECK(contains(error_for({{"a.npy", zeros, 8, 80000000}}), "more than numbers ever shrink"));
  CHECK(contains(error_for({{"a.npy", zeros, 8, 1000}}), " numbers follow"));
  const std::string four(16, 'x');
  CHECK(contains(error_for({{"a.npy", array("(4,)", four), 8, 1u << 20}}), "cut off or damaged"));
  CHECK(contains(error_for({{"a.npy", array("(400000,)", four), 8, 1u << 24}}), "cut off or damaged"));
  CHECK(contains(error_for({{"a.npy", array("(400000,)", four), 8}}), "only 4 numbers follow"));
  CHECK(contains(error_for({{"a.npy", "hello, I am no array", 8}}), "is no .npy file"));
  CHECK(contains(error_for({{"a.npy", "", 8}}), "cut off"));
  CHECK(contains(error_for({{"a.npy", array("(4,)", four), 12}}), "packed by method 12"));
  CHECK(contains(error_for({{"a.npy", array("(4,)", four)}, {"a.npy", array("(4,)", four)}}), "twice"));
  const std::string whole = zip({{"a.npy", array("(4,)", four)}}, 8);
  Random random(4);
  const TempFolder folder;
  for (int i = 0; i < 800; ++i) {
    std::string mutated = i < static_cast<int>(whole.size()) ? whole.substr(0, usize(i)) : whole;
    for (Index k = random.below(4); k >= 0 && !mutated.empty(); --k)
      mutated[usize(random.below(static_cast<Index>(mutated.size())))] = static_cast<char>(random.below(256));
    write_bytes(folder / "f", mutated);
    const std::string error = message_of([&] {
      const Weights w(folder / "f");
      for (const auto& [name, unused] : w.entries()) w.read(name);
    });
    CHECK(!contains(error, "\n"));
  }
}

TEST_CASE("npz: NumPy's own files") {
  FU_NEEDS_SHARED(shared);
  const Tensor expected = Weights(shared + "/cases/features_hwc_reference.npy").read_single();
  for (const char* name : {"features.npz", "features_compressed.npz"})
    CHECK(same_bits(Weights(shared + "/cases/" + name).read("features"), expected));
}
