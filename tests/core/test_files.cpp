// Readers and writers: round trips, and files that are damaged, hostile or of another kind.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "core/files/read_error.h"
#include "core/files/weights.h"
#include "tests/core/file_bytes.h"
#include "tests/process.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

std::string error_for(const std::string& bytes) {
  const TempFolder folder;
  write_bytes(folder / "file", bytes);
  return message_of([&] {
    const Weights w(folder / "file");
    for (const auto& [name, unused] : w.entries()) w.read(name);
  });
}

}  // namespace

TEST_CASE("files: round trips of npy and safetensors") {
  const TempFolder folder;
  Random random(1);
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{0, 4}, Shape{5, 6, 7}}) {
    const Tensor t = random.normal(shape);
    write_npy(folder / "t.npy", t);
    CHECK(relative_error(Weights(folder / "t.npy").read_single(), t) <= 1e-7);
    write_npy(folder / "h.npy", t, DType::f16);
    CHECK(relative_error(Weights(folder / "h.npy").read_single(), t) <= 1e-3);
    write_safetensors(folder / "t.safetensors", {{"a", t}, {"b \"quoted\"", t}}, {{"key", "value"}});
    const Weights w(folder / "t.safetensors");
    CHECK(w.metadata().at("key") == "value");
    CHECK(relative_error(w.read("b \"quoted\""), t) <= 1e-7);
    CHECK(w.format() == "safetensors");
  }
  const Tensor image = random.normal({1, 3, 4, 5});
  write_npy(folder / "chw.npy", Shape{5, 3, 4}, planes_of(image), DType::f32);
  CHECK(relative_error(Weights(folder / "chw.npy").read_single().permute({1, 2, 0}).reshape({1, 3, 4, 5}), image) <=
        1e-7);
  CHECK(contains(message_of([&] { Weights(folder / "t.safetensors").read("c"); }), "has no tensor 'c'"));
  CHECK(
      contains(message_of([&] { Weights(folder / "chw.npy").read("array", {1}); }), "has shape (5,3,4), expected (1)"));
}

TEST_CASE("files: what is written as PyTorch does is read back") {
  const TempFolder folder;
  Random random(2);
  const std::map<std::string, Tensor> tensors = {
      {"a.weight", random.normal({3, 4, 1, 2})}, {"b", random.normal({})}, {"nothing", Tensor({0, 5})}};
  write_torch(folder / "t.ckpt", "state_dict", tensors);
  const Weights weights(folder / "t.ckpt");
  CHECK(weights.format() == "PyTorch zip");
  CHECK(weights.root() == "state_dict");
  REQUIRE(weights.entries().size() == tensors.size());
  for (const auto& [name, tensor] : tensors)
    CHECK(relative_error(weights.read(name), tensor) <= (sizeof(real) == 8 ? 1e-7 : 0));
}

TEST_CASE("files: halves are rounded to nearest, ties to even") {
  const std::vector<std::pair<float, std::uint16_t>> cases = {{0.f, 0},
                                                              {-0.f, 0x8000},
                                                              {1.f, 0x3c00},
                                                              {65504.f, 0x7bff},
                                                              {65519.f, 0x7bff},
                                                              {65520.f, 0x7c00},
                                                              {INFINITY, 0x7c00},
                                                              {1.f + 0x1p-11f, 0x3c00},
                                                              {1.f + 0x3p-11f, 0x3c02},
                                                              {0x1p-24f, 1},
                                                              {0x1p-25f, 0},
                                                              {0x1.8p-24f, 2},
                                                              {0x1p-14f, 0x0400},
                                                              {0x1.ff8p-15f, 0x03ff},
                                                              {0x1.ffcp-15f, 0x0400}};
  for (const auto& [value, expected] : cases) {
    const auto v = static_cast<real>(value);
    unsigned char bytes[2];
    from_reals(DType::f16, &v, 1, bytes);
    CHECK((bytes[0] | bytes[1] << 8) == expected);
  }
  for (int h = 0; h < 0x10000; ++h) {  // every half there and back
    const unsigned char bytes[2] = {static_cast<unsigned char>(h & 255), static_cast<unsigned char>(h >> 8)};
    unsigned char back[2];
    real v = 0;
    to_reals(DType::f16, bytes, 1, &v);
    from_reals(DType::f16, &v, 1, back);
    if (v == v) CHECK((back[0] == bytes[0] && back[1] == bytes[1]));
  }
}

TEST_CASE("files: npy types, orders and byte orders") {
  const TempFolder folder;
  const auto read = [&](const std::string& bytes) {
    write_bytes(folder / "x.npy", bytes);
    return Weights(folder / "x.npy").read_single();
  };
  const Tensor fortran = read(
      npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n", std::string("\1\0\2\0\3\0\4\0\5\0\6\0", 12)));
  CHECK(fortran.shape() == Shape{2, 3});
  CHECK(fortran.data()[1] == 3);
  CHECK(fortran.data()[3] == 2);
  const Tensor big =
      read(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", std::string("\x3f\x80\0\0", 4)));
  CHECK(big.data()[0] == 1);
  CHECK(read(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\n", std::string("\0\1\2", 3))).data()[2] ==
        1);
  CHECK(read(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n",
                 little_endian(static_cast<std::uint64_t>(-5), 8)))
            .item() == -5);
  CHECK(read(npy("{'descr': '<u4', 'fortran_order': False, 'shape': (1,), }\n", little_endian(7, 4))).item() == 7);
  CHECK(read(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9), }\n")).shape() == Shape{0, 9});
}

TEST_CASE("files: what is no file of ours says so") {
  const TempFolder folder;
  CHECK(contains(message_of([&] { Weights(folder / "none"); }), "cannot be opened: No such file"));
  CHECK(contains(message_of([&] { Weights w("/dev/zero"); }), "is not a regular file"));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(contains(message_of([&] { Weights(folder / "pipe"); }), "is empty"));
  CHECK(contains(error_for(""), "is empty"));
  CHECK(contains(error_for("hello, I am no tensor"), "fit none of them"));
  for (int n = 1; n < 20; ++n) CHECK(!error_for(std::string(usize(n), 'x')).empty());
}

TEST_CASE("files: hostile npy") {
  CHECK(contains(error_for(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (500000000,), }")),
                 "only 0 numbers follow"));
  CHECK(
      contains(error_for(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }")), "a size is not a number"));
  CHECK(contains(error_for(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999999999,), }")),
                 "absurdly large"));
  CHECK(contains(error_for(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }")),
                 "more elements than can be counted"));
  CHECK(contains(error_for(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "cos\nsystem\n")),
                 "not supported"));
  CHECK(contains(error_for(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1), }")),
                 "more than 8 axes"));
  CHECK(contains(error_for(npy("{'descr': '<f4', 'fortran_order'")), "not a readable .npy header"));
  CHECK(contains(error_for(std::string("\x93NUMPY\x01\x00\xff\xff{", 11) + "    "), "cut off"));
  CHECK(contains(error_for(std::string("\x93NUMPY\x09\x00\xff\xff{", 11) + "    "), "version 9"));
  CHECK(error_for(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 72057594037927935, 72057594037927935), }"))
            .empty());
}

TEST_CASE("files: hostile safetensors") {
  const auto one = [](const std::string& fields) { return "{\"a\":{" + fields + "}}"; };
  CHECK(contains(error_for(little_endian(2000000000, 8) + "{" + std::string(91, ' ')),
                 "announces a header of 2000000000 bytes"));
  CHECK(contains(
      error_for(safetensors(one(R"("dtype":"F32","shape":[500000000],"data_offsets":[0,2000000000])"), "1234")),
      "cut off or damaged"));
  CHECK(contains(error_for(safetensors(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), "1234")),
                 "does not fit"));
  CHECK(contains(error_for(safetensors(one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "1234")),
                 "a negative number"));
  CHECK(contains(error_for(safetensors(one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "1234")),
                 "cut off or damaged"));
  CHECK(contains(error_for(safetensors(one(R"("dtype":"F32","shape":[1.5],"data_offsets":[0,4])"), "1234")),
                 "a fraction"));
  CHECK(contains(error_for(safetensors(one(R"("dtype":"F4","shape":[1],"data_offsets":[0,4])"), "1234")),
                 "unsupported type"));
  CHECK(contains(error_for(safetensors(one(R"("dtype":"F32","shape":[1])"), "1234")),
                 "lacks dtype, shape or data_offsets"));
  const std::string start = R"({"dtype":"F32","shape":[1],"data_offsets":)";
  CHECK(contains(error_for(safetensors("{\"a\":" + start + "[0,4]},\"b\":" + start + "[2,6]}}", "123456")), "overlap"));
  CHECK(contains(error_for(safetensors("{\"a\":" + start + "[0,4]},\"a\":" + start + "[0,4]}}", "1234")), "twice"));
  CHECK(contains(error_for(safetensors("{\"a\":" + std::string(100000, '['))), "an array out of place"));
  CHECK(contains(error_for(safetensors("{\"a\":" + std::string(100000, '{'))), "header has"));
  CHECK(contains(error_for(safetensors("{\"a\":{")), "no valid JSON"));
  CHECK(
      contains(error_for(safetensors(
                   one(R"("dtype":"F32","shape":[72057594037927936,72057594037927936],"data_offsets":[0,4])"), "1234")),
               "cannot be"));
  CHECK(contains(
      error_for(safetensors(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615])"), "1234")),
      "cut off or damaged"));
}

TEST_CASE("files: hostile PyTorch files") {
  const auto pickle = [](const std::string& code) { return zip({{"x/data.pkl", code}}); };
  CHECK(contains(error_for(pickle("\x80\x02"
                                  "cos\nsystem\n(X\x04\0\0\0echotR.")),
                 "names 'os.system', which is not part of a tensor; nothing was executed"));
  CHECK(contains(error_for(pickle(std::string("\x80\x04\x8c\x02os\x8c\x06system\x93.", 15))), "names 'os.system'"));
  CHECK(contains(error_for(pickle("\x80\x02}.")), "holds no state_dict"));
  CHECK(contains(error_for(pickle("\x80\x02}")), "cut off"));
  CHECK(contains(error_for(pickle("")), "cut off"));
  CHECK(contains(error_for(pickle("\x80\x02\xff.")), "unknown instruction 255"));
  CHECK(contains(error_for(pickle("\x80\x02)R.")), "takes a value where there is none"));
  CHECK(contains(error_for(pickle("\x80\x02u.")), "lacks a mark"));
  CHECK(contains(error_for(pickle("\x80\x02" + std::string(1000000, ')') + ".")), "more than 400000 values"));
  CHECK(contains(error_for(pickle(std::string("\x80\x02]q\0", 5) + std::string(3000000, 'h').replace(0, 0, "") + ".")),
                 "pickle"));
  CHECK(contains(error_for(zip({{"../../etc/passwd", "x"}})), "leads out of its folder"));
  CHECK(contains(error_for(zip({{"/etc/passwd", "x"}})), "leads out of its folder"));
  CHECK(contains(error_for(zip({{"x/data.pkl", "."}}, 8)), "compressed entry"));
  CHECK(contains(error_for(zip({{"x/other", "."}})), "no data.pkl"));
  CHECK(contains(error_for(zip({{"x/data.pkl", "."}, {"x/data.pkl", "."}})), "twice"));
  CHECK(contains(error_for("PK\x03\x04"), "cut off"));
  CHECK(contains(error_for("\x80\x02K\x01."), "fit none of them"));
  CHECK(contains(error_for(std::string("\x80\x02\x8a\x0a", 4) + std::string(10, 'a') + "."),
                 "not one that torch.save wrote"));
  CHECK(contains(error_for("\x80\x02\x8a\x0a"), "cut off"));
}

TEST_CASE("files: every truncation and many mutations of real checkpoints are refused or read, never worse") {
  const TempFolder folder;
  Random random(9);
  for (const char* name : {"dtypes_and_views.pth", "legacy_format.pth", "plain_state_dict.pth"}) {
    const std::string whole = read_bytes(std::string(FU_SOURCE_DIR "/tests/fixtures/") + name);
    REQUIRE(whole.size() > 1000);
    CHECK(error_for(whole).empty());
    const auto attempt = [&](const std::string& bytes) {
      try {
        write_bytes(folder / "f", bytes);
        const Weights w(folder / "f");
        for (const auto& [key, e] : w.entries()) w.read(key);
      } catch (const FileError&) {
      } catch (const ShapeError&) {
      }
    };
    for (std::size_t n = 0; n < whole.size(); n += 7) attempt(whole.substr(0, n));
    for (int i = 0; i < 3000; ++i) {
      std::string mutated = whole;
      const Index flips = 1 + random.below(4);
      for (Index k = 0; k < flips; ++k)
        mutated[usize(random.below(static_cast<Index>(whole.size())))] = static_cast<char>(random.below(256));
      attempt(mutated);
    }
  }
}

TEST_CASE("files: output appears only when complete") {
  const TempFolder folder;
  const std::string path = folder / "out";
  {
    OutputFile f(path);
    f.write("half", 4);
  }
  CHECK(!std::filesystem::exists(path));
  CHECK(std::filesystem::is_empty(folder.path()));
  {
    OutputFile f(path);
    f.write("whole", 5);
    CHECK(!std::filesystem::exists(path));
    f.commit();
  }
  CHECK(read_bytes(path) == "whole");
  CHECK(contains(message_of([&] { OutputFile f(folder.path()); }), "is a folder"));
  CHECK(contains(message_of([&] { OutputFile f(folder / "no/such/folder"); }), "cannot be written"));
  const Tensor t = Tensor::zeros({1000});
  CHECK(contains(message_of([&] {
                   const int null = open("/dev/full", O_WRONLY);
                   REQUIRE(null >= 0);
                   close(null);
                   write_npy("/dev/full/x", t);
                 }),
                 "cannot be written"));
}

TEST_CASE("files: no descriptors are the machine's fault, a missing file is not" * doctest::skip(!kHasProcesses)) {
  const TempFolder folder;
  write_npy(folder / "a.npy", Tensor::zeros({2}));
  const auto open = [&](const char* name) { const MappedFile file(folder / name); };
  CHECK_THROWS_AS(open("none"), FileError);
  try {
    open("none");
  } catch (const FileError& error) {
    CHECK(dynamic_cast<const ReadError*>(&error) == nullptr);
  }
  // Standard input is closed: whoever started the program did that, and it says nothing about a file.
  const int input = dup(STDIN_FILENO);
  close(STDIN_FILENO);
  CHECK_THROWS_AS(MappedFile("-"), ReadError);
  dup2(input, STDIN_FILENO);
  close(input);
#ifndef FU_ADDRESS_SANITIZER
  bool told = false;
  {
    const WithoutDescriptors none;
    try {
      open("a.npy");
    } catch (const ReadError&) {
      told = true;
    }
  }
  CHECK(told);
#endif
  CHECK_NOTHROW(open("a.npy"));
}

TEST_CASE("files: a pipe that names nobody and an interrupted write leave nothing") {
  const TempFolder folder;
  OutputFile f(folder / "a");
  f.write("x", 1);
  remove_unfinished_outputs();
  CHECK(std::filesystem::is_empty(folder.path()));
}
