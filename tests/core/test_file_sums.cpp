// What a reader must not believe, and what it must not refuse: check sums of archives, one tensor of an unknown type,
// texts longer than any name, names that are no names.
#include "core/files/bytes.h"
#include "core/files/weights.h"
#include "tests/core/file_bytes.h"

using namespace fu;
using namespace fu::test;

namespace {

std::string change_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("sums: a storage of a PyTorch file that was changed is refused when it is read, others are not") {
  const TempFolder folder;
  const std::string path = folder / "a.pth";
  write_torch(path, "state_dict", {{"good", Tensor::full({1000}, 3)}, {"hurt", Tensor::full({1000}, 5)}});
  CHECK(Weights(path).read("hurt").data()[999] == 5);
  std::string bytes = read_bytes(path);
  const std::string pattern("\x00\x00\xa0\x40", 4);  // 5 as a little-endian float
  const std::size_t at = bytes.find(pattern + pattern + pattern);
  REQUIRE(at != std::string::npos);
  bytes[at + 400] = static_cast<char>(bytes[at + 400] ^ 1);
  write_bytes(path, bytes);
  const Weights file(path);
  CHECK(file.read("good").data()[0] == 3);
  CHECK(contains(message_of([&] { file.read("hurt"); }), "the bytes of tensor 'hurt' do not have the check sum"));
  CHECK(contains(message_of([&] { file.read("hurt"); }), path));
  // The pickle itself.
  bytes = read_bytes(path);
  bytes[bytes.find("hurt")] = 'H';
  write_bytes(path, bytes);
  CHECK(contains(message_of([&] { Weights{path}; }), "data.pkl', whose check sum is wrong"));
}

TEST_CASE("sums: arrays of an .npz, stored or deflated") {
  const TempFolder folder;
  const std::string array = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", std::string(8, '\0'));
  for (const int method : {0, 8}) {
    CAPTURE(method);
    write_bytes(folder / "good.npz", zip_of({{"a.npy", array, method}}));
    CHECK(Weights(folder / "good.npz").read("a").shape() == Shape{2});
    write_bytes(folder / "bad.npz", zip_of({{"a.npy", array, method, 0, 1}, {"b.npy", array, method}}));
    const Weights bad(folder / "bad.npz");
    CHECK(contains(message_of([&] { bad.read("a"); }), "check sum"));
    CHECK(bad.read("b").size() == 2);
  }
}

TEST_CASE("safetensors: numbers of eight bits, and a tensor of an unknown type beside others") {
  const TempFolder folder;
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const auto header = [](const std::string& type) {
    return R"({"a":{"dtype":")" + type + R"(","shape":[256],"data_offsets":[0,256]}})";
  };
  write_bytes(folder / "e4m3", safetensors(header("F8_E4M3"), all));
  write_bytes(folder / "e5m2", safetensors(header("F8_E5M2"), all));
  const Tensor a = Weights(folder / "e4m3").read("a"), b = Weights(folder / "e5m2").read("a");
  // By the formats' definition; values from the tables of arXiv 2209.05433.
  for (const auto& [bits, value] : std::map<int, double>{{0, 0},
                                                         {1, 0x1p-9},
                                                         {7, 0x7p-9},
                                                         {8, 0x1p-6},
                                                         {0x38, 1},
                                                         {0x39, 1.125},
                                                         {0x7e, 448},
                                                         {0xb8, -1},
                                                         {0xfe, -448}})
    CHECK(static_cast<double>(a.data()[bits]) == value);
  CHECK(std::isnan(a.data()[0x7f]));
  CHECK(std::isnan(a.data()[0xff]));
  for (const auto& [bits, value] : std::map<int, double>{
           {0, 0}, {1, 0x1p-16}, {3, 0x3p-16}, {4, 0x1p-14}, {0x3c, 1}, {0x3d, 1.25}, {0x7b, 57344}, {0xbc, -1}})
    CHECK(static_cast<double>(b.data()[bits]) == value);
  CHECK(std::isinf(b.data()[0x7c]));
  CHECK(std::isnan(b.data()[0x7d]));

  const std::string two = R"({"odd":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[0,3]},)"
                          R"("fine":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  write_bytes(folder / "two", safetensors(two, std::string(8, '\0')));
  const Weights file(folder / "two");
  CHECK(file.read("fine").size() == 1);
  CHECK(file.has("odd"));
  CHECK(contains(message_of([&] { file.read("odd"); }), "tensor 'odd' has the unsupported type 'F6_E3M2'"));
  write_bytes(folder / "far", safetensors(change_all(two, "[0,3]", "[0,99]"), std::string(8, '\0')));
  CHECK(contains(message_of([&] { Weights{folder / "far"}; }), "cut off or damaged"));
}

TEST_CASE("JSON: a text longer than any name is refused before it is parsed") {
  const TempFolder folder;
  const std::string longest(1 << 20, 'k');
  CHECK_NOTHROW(check_json_texts("{\"" + longest + "\": [\"\\\"\", \"\"]}", "x"));
  CHECK(
      contains(message_of([&] { check_json_texts("{\"" + longest + "k\": 1}", "x"); }), "x: has a name or a text of"));
  CHECK(contains(message_of([&] { check_json_texts("[\"" + longest + "k", "x"); }), "at byte 2"));
  write_bytes(folder / "key", safetensors("{\"" + longest + longest + "\":{}}"));
  CHECK(contains(message_of([&] { Weights{folder / "key"}; }), "more than 1048576 bytes"));
  write_bytes(folder / "model.safetensors.index.json", "{\"" + longest + longest + "\":{}}");
  CHECK(contains(message_of([&] { Weights{folder / "model.safetensors.index.json"}; }), "more than 1048576 bytes"));
}

TEST_CASE("names: what a terminal would act on is replaced") {
  CHECK(shown("plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == "plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(shown("a\x1b[31m\n\t\x7f") == "a?[31m???");
  CHECK(shown("\xc2\x9b"
              "1m") == "?1m");  // CSI in one character
  CHECK(shown("\xe2\x80\xae"
              "abc\xe2\x81\xa6") == "?abc?");  // turns the direction of writing
  CHECK(shown("\xff\xc3(\xe2\x82\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80") ==
        std::string(2, '?') + "(" + std::string(11, '?'));  // no UTF-8
  CHECK(shown("\xe2\x82") == "??");
  CHECK(printable(std::string(79, 'x') + "\xc3\xa9" + "yz") == std::string(79, 'x') + "...");
  CHECK(printable("short") == "short");
}
