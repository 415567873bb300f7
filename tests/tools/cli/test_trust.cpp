// What neighbours, limits and names do to the program: nothing is lost, nothing lies, and what is wrong is one line.
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "tests/core/file_bytes.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

namespace {

const std::string kProgram = "'" FU_PROGRAM "' ";

bool has_parts(const TempFolder& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    if (contains(entry.path().filename().string(), ".part-")) return true;
  return false;
}

/// A PNG of one colour, w x h pixels of one bit, in as few bytes as the format allows.
std::string plain_png(std::uint32_t w, std::uint32_t h) {
  const auto be = [](std::uint32_t v) {
    std::string s;
    for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(v >> shift & 255);
    return s;
  };
  const auto chunk = [&](const std::string& name, const std::string& data) {
    const std::string body = name + data;
    return be(static_cast<std::uint32_t>(data.size())) + body +
           be(static_cast<std::uint32_t>(
               crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
  };
  const std::string rows((std::size_t{w} / 8 + 1) * h, '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", be(w) + be(h) + std::string("\1\0\0\0\0", 5)) +
         chunk("IDAT", deflated(rows, MAX_WBITS)) + chunk("IEND", "");
}

/// Starts a command, waits until `file` is there, sends the signal, and returns what became of it.
Outcome signalled(const TempFolder& folder, const std::string& arguments, const std::string& file,
                  const std::string& number) {
  const std::string line = kProgram + arguments + " & p=\\$!; n=0; while [ ! -s " + file +
                           " ] && [ \\$n -lt 1000 ]; do sleep 0.01; n=\\$((n+1)); done; sleep 0.2; kill -" + number +
                           " \\$p; wait \\$p";
  return run_shell(folder, "sh -c \"" + line + "\"");
}

}  // namespace

TEST_CASE("program: closed descriptors, and results through pipes") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 64, 64).image);
  REQUIRE(run(folder, "upsample a.png -o whole --quiet").code == 0);
  const std::string expected = slurp(folder / "whole/a.npy");
  for (const char* closed : {"2>&-", "0<&-", "0<&- 2>&-"}) {
    CAPTURE(closed);
    CHECK(run_shell(folder, "sh -c \"" + kProgram + "upsample a.png -o out " + closed + "\"").code == 0);
    CHECK(slurp(folder / "out/a.npy") == expected);
  }
  CHECK(run_shell(folder, "sh -c \"" + kProgram + "upsample a.png -o out2 >&- 2>&-\"").code == 0);
  CHECK(slurp(folder / "out2/a.npy") == expected);
  CHECK(run_shell(folder, "sh -c \"" + kProgram + "upsample a.png -o - >&-\"").code == 1);
  // Standard output gets the bytes of the file and nothing else; text goes to standard error.
  for (const char* input : {"a.png", "- <a.png", "/dev/stdin <a.png"}) {
    const Outcome o = run(folder, "upsample " + std::string(input) + " -o -");
    CHECK(o.code == 0);
    CHECK(o.out == expected);
    CHECK(contains(o.err, "x192 features from"));
  }
  const Outcome piped = run_shell(folder, "cat a.png | " + kProgram + "upsample - -o piped --json");
  CHECK(nlohmann::json::parse(piped.out).at("outputs")[0] == "piped/stdin.npy");
  CHECK(slurp(folder / "piped/stdin.npy") == expected);
  CHECK(run_shell(folder, "sh -c \"cat whole/a.npy | " + kProgram + "show - -o s.png\"").code == 0);
  CHECK(run(folder, "upsample a.png b.png -o -").code == 2);
  const Outcome fit = run(folder, "fit a.png --size 64 --views 3 --held-out 2 -o -");
  CHECK(fit.code == 0);
  write_bytes(folder / "f.fit.safetensors", fit.out);
  CHECK(run_shell(folder, "cat f.fit.safetensors | " + kProgram + "query - --points p.npy -o -").code == 1);
  const Outcome query = run_shell(folder, "cat f.fit.safetensors | " + kProgram + "query - --pca 2 -o -");
  CHECK(query.code == 0);
  write_bytes(folder / "q.npy", query.out);
  CHECK(Weights(folder / "q.npy").read_single().shape() == Shape{64, 64, 2});
  CHECK(!has_parts(folder));
}

TEST_CASE("program: signals keep what Ctrl-C keeps, and one that is ignored stays ignored") {
  const TempFolder folder;
  write_scenes(folder, 3, 64, 64);
  for (const char* number : {"TERM", "HUP", "XCPU"}) {
    CAPTURE(number);
    const std::string name = std::string(number) + ".safetensors";
    const Outcome o =
        signalled(folder, "train photos --size 64 --steps 100000 --checkpoint 0 -o " + name, name, number);
    CAPTURE(o.err);
    CHECK(o.code == 0);
    CHECK(contains(o.out, "interrupted after"));
    CHECK(std::stoi(Weights(folder / name).metadata().at("step")) > 0);
  }
  const std::string ignored = "train photos --size 64 --steps 30 --checkpoint 0 -o i.safetensors";
  const Outcome o = run_shell(folder, "sh -c \"trap '' HUP INT QUIT; " + kProgram + ignored +
                                          " & p=\\$!; n=0; while [ ! -s i.safetensors ] && [ \\$n -lt 1000 ]; do sleep "
                                          "0.01; n=\\$((n+1)); done; kill -HUP \\$p; kill -INT \\$p; wait \\$p\"");
  CHECK(o.code == 0);
  CHECK(contains(o.out, "30 steps on"));
  // A file that would become too large is an error of the write.
  const Outcome limited = run_shell(folder, "sh -c \"ulimit -f 8; " + kProgram + "upsample photos/0.png -o out\"");
  CHECK(limited.code == 1);
  CHECK(contains(limited.err, "File too large"));
  CHECK(!has_parts(folder));
}

TEST_CASE("program: results are looked at before the work") {
  const TempFolder folder;
  write_scenes(folder, 2, 64, 64);
  const std::string train = "train photos --size 64 --steps 3 -o s.safetensors ";
  check_refused(folder, train + "--export s.safetensors", "would be two of the results at once");
  check_refused(folder, train + "--export ./photos/../s.safetensors", "would be two of the results at once");
  check_refused(folder, train + "--export s.png", "would be two of the results at once");
  check_refused(folder, train + "--export /proc/none/x.ckpt", "cannot be written");
  check_refused(folder, "upsample photos -o /proc", "/proc/featup: cannot be written");
  check_refused(folder, "features photos -o /proc", "/proc/featup: cannot be written");
  check_refused(folder, "show nothing.npy -o /proc/x.png", "/proc/featup: cannot be written");
}

TEST_CASE("program: wrong usage is exit code 2, in one line") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 64, 64).image);
  for (const char* arguments :
       {"upsample a.png --seed -1", "upsample a.png --size foo", "upsample a.png --max-memory 2X",
        "upsample a.png --out-size 0x5", "upsample a.png --shard 3/2", "upsample a.png --threads -1",
        "show --html a.npy b.npy", "show a.npy --image a.png", "text --backbone x"}) {
    CAPTURE(arguments);
    const Outcome o = run(folder, arguments);
    CAPTURE(o.err);
    CHECK(o.code == 2);
    CHECK(o.err.rfind("featup: error: ", 0) == 0);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  }
}

TEST_CASE("program: names cannot change the terminal, and JSON stays JSON") {
  const TempFolder folder;
  const std::string name = "a\x1b[31m\x7f\xc2\x9b\xff\xe2\x80\xae.png";
  write_png(folder / name, render_scene(1, 64, 64).image);
  const auto clean = [](const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return (static_cast<unsigned char>(c) < 32 && c != '\n') || c == 0x7f; }) &&
           !contains(text, "\xc2\x9b") && !contains(text, "\xff");
  };
  const Outcome text = run(folder, "upsample '" + name + "' --size 64 -o out");
  CHECK(text.code == 0);
  CHECK(clean(text.out + text.err));
  CHECK(contains(text.out, "a?[31m"));
  const Outcome json = run(folder, "upsample '" + name + "' --size 64 -o out --json");
  CHECK(json.code == 0);
  CHECK(clean(json.out));
  CHECK(contains(nlohmann::json::parse(json.out).at("inputs")[0].get<std::string>(), "a\x1b[31m\x7f\xc2\x9b"));
  const Outcome error = run(folder, "upsample 'none" + name + "' --size 64 -o out");
  CHECK(error.code == 1);
  CHECK(clean(error.err));
}

TEST_CASE("program: pictures are decoded within the memory limit, or refused at once") {
  const TempFolder folder;
  write_bytes(folder / "bomb.png", plain_png(16384, 16384));
  check_refused(folder, "upsample bomb.png -o out", "which no photo packs so well");
  write_bytes(folder / "large.png", plain_png(6000, 6000));
  check_refused(folder, "upsample large.png -o out --max-memory 100M", "has 6000x6000 pixels, and decoding them takes");
  write_png(folder / "a.png", render_scene(1, 64, 64).image);
  CHECK(run(folder, "upsample a.png --size 64 -o out --max-memory 100M").code == 0);
}

TEST_CASE("program: a part of a large map costs what the part costs") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 80, 96).image);
  for (const char* size : {"64", "64x64"}) {
    CAPTURE(size);
    REQUIRE(
        run(folder, "fit a.png --views 4 --held-out 2 -o f.fit.safetensors --quiet --size " + std::string(size)).code ==
        0);
    for (const char* image : {"", "--image a.png "}) {
      const std::string query = "query f.fit.safetensors --pca 3 --quiet " + std::string(image);
      REQUIRE(run(folder, query + "--size 300x310 -o whole.npy").code == 0);
      REQUIRE(run(folder, query + "--size 300x310 --crop 280,15,20,40 -o part.npy").code == 0);
      const Tensor whole = Weights(folder / "whole.npy").read_single(),
                   part = Weights(folder / "part.npy").read_single();
      bool equal = true;
      for (Index i = 0; i < 20 * 40 * 3; ++i)
        equal = equal && part.data()[i] == whole.data()[((280 + i / 120) * 310 + 15) * 3 + i % 120];
      CHECK(equal);
    }
  }
  const Outcome o = run(folder, "query f.fit.safetensors --size 16384x16384 --crop 9000,0,16,16 -o p.npy --json");
  REQUIRE(o.code == 0);
#if !defined(FU_ADDRESS_SANITIZER) || !defined(__clang__)  // whose sanitizers take more memory of their own
  CHECK(nlohmann::json::parse(o.out).at("peak_rss_mb").get<double>() < 100);
#endif
}
