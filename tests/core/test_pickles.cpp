// PyTorch's pickles: where the tensors stand, names that are not known, names that must never be.
#include <array>

#include "core/files/weights.h"
#include "tests/core/file_bytes.h"

using namespace fu;
using namespace fu::test;

namespace {

std::string text(const std::string& s) { return "X" + little_endian(s.size(), 4) + s; }
std::string small(int n) { return std::string("K") + static_cast<char>(n); }
std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }

/// A tensor (2) of the storage `key`, saved on a GPU.
std::string tensor(const std::string& key, const std::string& storage_type = "FloatStorage") {
  return global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") + global("torch", storage_type) +
         text(key) + text("cuda:0") + small(2) + "tQ" + small(0) + "(" + small(2) + "t(" + small(1) + "t\x89" +
         global("collections", "OrderedDict") + ")RtR";
}
/// A dictionary of keys and values, the values as code.
std::string dictionary(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string code = "}(";
  for (const auto& [key, value] : items) code += text(key) + value;
  return code + "u";
}
/// A module of TorchScript, or any other object whose class has this name.
std::string object(const std::string& module, const std::string& name,
                   const std::vector<std::pair<std::string, std::string>>& items) {
  return global(module, name) + ")\x81" + dictionary(items) + "b";
}
std::string module(const std::vector<std::pair<std::string, std::string>>& items) {
  return object("__torch__.net", "M", items);
}

/// An archive with two storages, 0: 1, 2 and 1: 3, 4.
std::vector<ZipPart> archive(const std::string& code) {
  const std::string a("\0\0\x80\x3f\0\0\0\x40", 8), b("\0\0\x40\x40\0\0\x80\x40", 8);
  return {{"net/data.pkl", "\x80\x02" + code + "."}, {"net/data/0", a}, {"net/data/1", b}};
}

/// Opens and reads every tensor; the error, or empty.
std::string error_of(const std::vector<ZipPart>& parts) {
  const TempFolder folder;
  write_bytes(folder / "net.pt", zip_of(parts));
  return message_of([&] {
    const Weights w(folder / "net.pt");
    for (const auto& [name, unused] : w.entries()) w.read(name);
  });
}
Weights open(const TempFolder& folder, const std::vector<ZipPart>& parts) {
  write_bytes(folder / "net.pt", zip_of(parts));
  return Weights(folder / "net.pt");
}

/// "root: name name ..." of an archive.
std::string names_of(const std::string& code) {
  const TempFolder folder;
  const Weights w = open(folder, archive(code));
  std::string all = w.root() + ":";
  for (const auto& [name, unused] : w.entries()) all += " " + name;
  return all;
}

}  // namespace

TEST_CASE("pickles: the state_dict is found under root keys, in their order, also one inside of another") {
  const std::string one = dictionary({{"w", tensor("0")}}), two = dictionary({{"v", tensor("1")}});
  CHECK(names_of(one) == ": w");
  CHECK(names_of(tensor("0")) == ": tensor");
  for (const char* key : {"state_dict", "model", "teacher", "student", "model_state_dict", "encoder", "target_encoder",
                          "backbone", "ema", "params"})
    CHECK(names_of(dictionary({{"epoch", small(3)}, {key, one}})) == std::string(key) + ": w");
  CHECK(names_of(dictionary({{"student", one}, {"teacher", two}})) == "teacher: v");
  CHECK(names_of(dictionary({{"ema", one}, {"model", two}})) == "model: v");
  CHECK(names_of(dictionary({{"model", dictionary({{"epoch", small(1)}})}, {"teacher", two}})) == "teacher: v");
  CHECK(names_of(dictionary({{"state_dict", dictionary({{"model", one}})}})) == "state_dict.model: w");
  // A tensor beside the state_dict, such as the best accuracy, is not taken for it.
  CHECK(names_of(dictionary({{"best_acc1", tensor("1")}, {"state_dict", one}})) == "state_dict: w");
  CHECK(contains(error_of(archive(dictionary({{"epoch", small(1)}}))),
                 "holds no state_dict: no dictionary of tensors at the top, nor under state_dict, model, teacher"));
}

TEST_CASE("pickles: dictionaries in dictionaries are joined by dots") {
  const std::string one = dictionary({{"w", tensor("0")}}), two = dictionary({{"v", tensor("1")}});
  CHECK(names_of(dictionary({{"net", one}, {"head", dictionary({{"last", two}})}, {"step", small(1)}})) ==
        ": head.last.v net.w");
  CHECK(names_of(dictionary({{"model", dictionary({{"a", one}, {"b", two}})}})) == "model: a.w b.v");
  std::string deep = one;
  for (int i = 0; i < 200; ++i) deep = dictionary({{"d", deep}});
  CHECK(contains(error_of(archive(deep)), "absurdly deep"));
  // Each of 60 dictionaries holds the one before twice: 2^60 names.
  std::string wide = dictionary({{"w", tensor("0")}}) + std::string("q\0", 2);
  for (int i = 0; i < 60; ++i) {
    const std::string before = std::string("h") + static_cast<char>(i);
    wide += "0}(" + text("a") + before + text("b") + before + "uq" + static_cast<char>(i + 1);
  }
  CHECK(!error_of(archive(wide)).empty());
}

TEST_CASE("pickles: TorchScript's modules are dictionaries, joined by dots; what is not needed may be compressed") {
  const std::string code =
      module({{"training", "\x88"},
              {"input_resolution", small(224)},
              {"visual", module({{"conv1", module({{"weight", tensor("0")}, {"bias", "N"}})}, {"training", "\x89"}})},
              {"logit_scale", tensor("1")}});
  std::vector<ZipPart> parts = archive(code);
  parts.push_back({"net/constants.pkl", "\x80\x02).", 8});
  parts.push_back({"net/code/__torch__/net.py", "class M(Module):\n  pass\n", 8});
  parts.push_back({"net/code/__torch__/net.py", "again", 8});
  parts.push_back({"net/extra/encrypted", "?", 99});
  const TempFolder folder;
  const Weights w = open(folder, parts);
  CHECK(w.format() == "TorchScript");
  CHECK(w.root().empty());
  REQUIRE(w.entries().size() == 2);
  CHECK(w.read("visual.conv1.weight").data()[1] == 2);
  CHECK(w.read("logit_scale").data()[0] == 3);
  CHECK(w.folder() == folder.path());
}

TEST_CASE("pickles: needed entries that are compressed, double or missing are refused by name") {
  const std::string code = dictionary({{"w", tensor("0")}});
  std::vector<ZipPart> parts = archive(code);
  parts[1].method = 8;
  CHECK(contains(error_of(parts), "has the compressed entry 'net/data/0'"));
  parts = archive(code);
  parts[2].method = 8;  // storage 1 belongs to no tensor
  CHECK(error_of(parts).empty());
  parts[1].name = "net/data/7";
  CHECK(contains(error_of(parts), "storage '0' is missing"));
  parts = archive(code);
  parts.push_back(parts[1]);
  CHECK(contains(error_of(parts), "has the zip entry 'net/data/0' twice"));
  parts = archive(code);
  parts.push_back({"net/data/../../x", "?"});
  CHECK(error_of(parts).empty());
  parts = archive(code);
  parts[1].claimed = 16;
  CHECK(!error_of(parts).empty());
}

TEST_CASE("pickles: tensors of types that have no storage of their own") {
  const auto typed = [](const std::string& type, int bytes, const std::string& function = "_rebuild_tensor_v3") {
    return global("torch._utils", function) + "((" + text("storage") + global("torch.storage", "UntypedStorage") +
           text("0") + text("cpu") + small(bytes) + "tQ" + small(1) + "(" + small(2) + "t(" + small(1) + "t\x89" +
           global("collections", "OrderedDict") + ")R" + type + "tR";
  };
  const auto read = [&](const std::string& type) {
    const TempFolder folder;
    const Tensor t = open(folder, archive(dictionary({{"w", typed(global("torch", type), 8)}}))).read("w");
    return std::vector<real>(t.data(), t.data() + t.size());
  };
  // The storage's bytes: 0 0 80 3f 0 0 0 40; the tensor begins with the second number.
  CHECK(read("float8_e4m3fn") == std::vector<real>{0, real(-0.)});
  CHECK(std::signbit(read("float8_e5m2")[1]));
  CHECK(read("uint16") == std::vector<real>{0x3f80, 0});
  CHECK(read("bfloat16") == std::vector<real>{1, 0});
  CHECK(read("uint8") == std::vector<real>{0, 0x80});
  const auto refused = [&](const std::string& code) { return error_of(archive(dictionary({{"w", code}}))); };
  CHECK(contains(refused(typed(global("torch", "uint32"), 8)), "reaches beyond its storage of 2 numbers"));
  CHECK(contains(refused(typed(global("torch", "uint8"), 9)), "wants a storage of 9 numbers, but 8 are there"));
  CHECK(contains(refused(typed(global("torch", "quint8"), 8)),
                 "tensor 'w' is built by 'torch.quint8', which is not known"));
  CHECK(contains(refused(typed("N", 8)), "builds a tensor from the wrong arguments"));
  CHECK(contains(refused(typed(global("torch", "uint8"), 8, "_rebuild_tensor_v2")), "builds a tensor from the wrong"));
}

TEST_CASE("pickles: unknown names beside the state_dict are inert") {
  const std::string good = dictionary({{"w", tensor("0")}});
  const std::string path = global("pathlib", "PosixPath") + text("data") + "\x85R",
                    settings = object("omegaconf.dictconfig", "DictConfig", {{"_content", good}}),
                    set = global("__builtin__", "set") + "](" + small(1) + "e\x85R",
                    name_space = object("types", "SimpleNamespace", {{"lr", small(1)}}),
                    array = global("numpy.core.multiarray", "_reconstruct") + "(K\1t\x85R";
  for (const std::string& value : {path, settings, set, name_space, array, std::string("\x8f(K\1\x90"),
                                   std::string("(K\1\x91"), global("a", "B") + ")}\x92"}) {
    CHECK(names_of(dictionary({{"value", value}, {"state_dict", good}})) == "state_dict: w");
  }
  // Inside of the state_dict: passed over if there is no tensor in it, refused by name if there is.
  CHECK(names_of(dictionary({{"path", path}, {"w", tensor("0")}})) == ": w");
  const std::string odd = global("my.module", "Rotated") + tensor("0") + "\x85R";
  CHECK(contains(error_of(archive(dictionary({{"w", odd}, {"v", tensor("1")}}))),
                 "tensor 'w' is built by 'my.module.Rotated', which is not known; nothing was executed"));
  CHECK(contains(error_of(archive(dictionary({{"w", tensor("0", "QInt8Storage")}, {"v", tensor("1")}}))),
                 "tensor 'w' is built by 'torch.QInt8Storage'"));
  CHECK(names_of(dictionary({{"model", good}, {"optimizer", dictionary({{"state", odd}})}})) == "model: w");
}

TEST_CASE("pickles: a call without a function is refused") {
  for (const char* code : {")}\x92", "}\x92", "\x92", ")R", "R", ")\x81", "(t}\x92", "()}\x92"})
    CHECK(error_of(archive(code)) != "");
}

TEST_CASE("pickles: a model that was saved as an object is refused with the name of its class") {
  const std::string net = object("torch.nn.modules.linear", "Linear", {{"weight", tensor("0")}});
  for (const std::string& code : {net, dictionary({{"model", net}, {"epoch", small(1)}})})
    CHECK(contains(error_of(archive(code)),
                   "names 'torch.nn.modules.linear.Linear', which is not part of a tensor; nothing was executed"));
}

TEST_CASE("pickles: names that only an attack has are refused wherever they stand") {
  const std::string good = dictionary({{"w", tensor("0")}});
  for (const std::string both : {"os system",
                                 "posix system",
                                 "nt system",
                                 "subprocess Popen",
                                 "builtins eval",
                                 "builtins exec",
                                 "builtins getattr",
                                 "builtins __import__",
                                 "builtins open",
                                 "builtins compile",
                                 "__builtin__ eval",
                                 "sys exit",
                                 "importlib import_module",
                                 "importlib.util find_spec",
                                 "runpy run_path",
                                 "socket socket",
                                 "shutil rmtree",
                                 "webbrowser open",
                                 "ctypes CDLL",
                                 "pickle loads",
                                 "marshal loads",
                                 "os.path join",
                                 "builtins eval.__call__"}) {
    CAPTURE(both);
    const std::string module = both.substr(0, both.find(' ')), name = both.substr(both.find(' ') + 1);
    const std::string call = global(module, name) + text("x") + "\x85R";
    const std::string expected = "names '" + module + "." + name + "', which is not part of a tensor";
    CHECK(contains(error_of(archive(dictionary({{"args", call}, {"state_dict", good}}))), expected));
    CHECK(contains(error_of(archive(global(module, name))), expected));
  }
  CHECK(names_of(dictionary({{"args", global("oslo.config", "x")}, {"state_dict", good}})) == "state_dict: w");
}

TEST_CASE("pickles: mutations are read or refused in one line, never worse") {
  const std::string odd = global("my.module", "Rotated") + tensor("1") + "\x85R";
  const std::string whole =
      zip_of(archive(dictionary({{"args", odd}, {"model", module({{"a", module({{"w", tensor("0")}})}})}})));
  const TempFolder folder;
  Random random(3);
  for (int i = 0; i < 1500; ++i) {
    std::string mutated = whole;
    for (Index k = random.below(3); k >= 0; --k)
      mutated[usize(random.below(static_cast<Index>(mutated.size())))] = static_cast<char>(random.below(256));
    write_bytes(folder / "f", mutated);
    const std::string error = message_of([&] {
      const Weights w(folder / "f");
      for (const auto& [name, unused] : w.entries()) w.read(name);
    });
    CHECK(!contains(error, "\n"));
  }
}

TEST_CASE("pickles: files as people have them") {
  FU_NEEDS_SHARED(shared);
  const Weights clip(shared + "/backbones/orig_clip_torchscript.pt");
  CHECK(clip.format() == "TorchScript");
  CHECK(clip.shape("visual.conv1.weight").rank() == 4);
  CHECK(clip.has("visual.transformer.resblocks.0.attn.in_proj_weight"));
  CHECK(clip.has("token_embedding.weight"));
  for (const auto& [name, unused] : clip.entries()) clip.read(name, clip.shape(name));
  const Weights reference(shared + "/cases/vit_reference.safetensors");
  for (const auto& [file, root, prefix] :
       std::vector<std::array<std::string, 3>>{{"vit_lightning_posixpath.ckpt", "state_dict", ""},
                                               {"vit_dinov2_chunked_teacher.pth", "teacher", "backbone."}}) {
    const Weights w(shared + "/cases/" + file);
    CHECK(w.root() == root);
    CHECK(same_bits(w.read(prefix + "patch_embed.proj.weight"), reference.read("patch_embed.proj.weight")));
  }
  for (const auto& entry : std::filesystem::directory_iterator(shared + "/cases/hostile")) {
    const std::string path = entry.path().string(), ending = entry.path().extension().string();
    if (ending != ".pth" && ending != ".safetensors" && ending != ".npy") continue;
    const std::string error = message_of([&] {
      const Weights w(path);
      for (const auto& [name, unused] : w.entries()) w.read(name);
    });
    CAPTURE(error);
    CHECK((error.empty() || (error.rfind(path, 0) == 0 && !contains(error, "\n"))));
  }
  const auto hostile = [&](const std::string& name) {
    return message_of([&] { Weights w(shared + "/cases/hostile/" + name); });
  };
  CHECK(contains(hostile("pkl_eval.pth"), "names 'builtins.eval', which is not part of a tensor"));
  CHECK(contains(hostile("pkl_system.pth"), "names 'os.system', which is not part of a tensor"));
  CHECK(contains(hostile("z_deflate.pth"), "has the compressed entry 'a/data.pkl'"));
  CHECK(contains(hostile("z_two.pth"), "more than one data.pkl"));
  CHECK(hostile("z_ok.pth").empty());
}
