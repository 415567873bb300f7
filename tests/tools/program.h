// The program as its users meet it: run, look at exit code, lines and files.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "core/files/weights.h"
#include "featup/measure/scene.h"
#include "tests/support.h"
#include "tools/media/image_io.h"

namespace fu::test {

struct Outcome {
  int code = -1;
  std::string out, err;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A line of shell in a folder.
inline Outcome run_shell(const TempFolder& folder, const std::string& line) {
  const std::string command =
      "cd '" + folder.path() + "' && " + line + " >'" + (folder / ".out") + "' 2>'" + (folder / ".err") + "'";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(folder / ".out"), slurp(folder / ".err")};
}

inline Outcome run(const TempFolder& folder, const std::string& arguments, const std::string& environment = "") {
  return run_shell(folder, environment + " '" FU_PROGRAM "' " + arguments);
}

/// Rendered scenes 0.png, 1.png, ... in photos/, the odd ones some folders further down.
inline void write_scenes(const TempFolder& folder, int count, Index height, Index width) {
  std::filesystem::create_directories(folder / "photos/deep/er");
  for (int i = 0; i < count; ++i)
    write_png(folder / ((i % 2 ? "photos/deep/er/" : "photos/") + std::to_string(i) + ".png"),
              render_scene(static_cast<std::uint64_t>(i), height, width).image);
}

/// One line that begins as errors do, exit code 1, or 2 for wrong usage, and nothing half-written.
inline void check_refused(const TempFolder& folder, const std::string& arguments, const std::string& part,
                          int code = 1) {
  CAPTURE(arguments);
  const Outcome o = run(folder, arguments);
  CAPTURE(o.err);
  CHECK(o.code == code);
  CHECK(o.err.rfind("featup: error: ", 0) == 0);
  CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  CHECK(contains(o.err, part));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    CHECK(!contains(entry.path().filename().string(), ".part-"));
}

/// Runs a training of `steps` steps and kills it somewhere after its first checkpoint, `file`.
inline void kill_a_training(const TempFolder& folder, const std::string& arguments, const std::string& file,
                            int steps) {
  const std::string kill = "sh -c \"'" FU_PROGRAM "' " + arguments +
                           " --checkpoint 0 --quiet & p=\\$!; n=0; while [ ! -f " + file +
                           " ] && [ \\$n -lt 400 ]; do sleep 0.02; n=\\$((n+1)); done; sleep 0.2; kill -9 \\$p; wait\"";
  const std::string in = "cd '" + folder.path() + "' && ";
  REQUIRE(std::system((in + kill + " 2>/dev/null").c_str()) != -1);
  REQUIRE(std::filesystem::exists(folder / file));
  const int done = std::stoi(Weights(folder / file).metadata().at("step"));
  CAPTURE(done);
  CHECK(done >= 1);
  CHECK(done < steps);  // else it was not killed
  // What was being written when it was killed has another name, and may be left there; later checks look for such
  // leavings of their own.
  std::vector<std::filesystem::path> unfinished;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    if (contains(entry.path().filename().string(), ".part-")) unfinished.push_back(entry.path());
  for (const auto& path : unfinished) std::filesystem::remove(path);
}

inline void check_same_tensors(const std::string& one, const std::string& other) {
  const Weights a(one), b(other);
  REQUIRE(a.entries().size() == b.entries().size());
  for (const auto& entry : a.entries()) {
    CAPTURE(entry.first);
    CHECK(same_bits(a.read(entry.first), b.read(entry.first)));
  }
}

}  // namespace fu::test
