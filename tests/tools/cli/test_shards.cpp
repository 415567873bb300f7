// Shards of many photos: killed and run again, and all at once. Each result is made once.
#include <sys/stat.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Files with this ending below a folder, and which file each of them is: its number on the disk and its last change.
std::map<std::string, std::string> results(const std::string& folder, const std::string& ending) {
  std::map<std::string, std::string> found;
  if (!std::filesystem::exists(folder)) return found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (path.size() < ending.size() || path.compare(path.size() - ending.size(), ending.size(), ending) != 0) continue;
    struct stat known {};
    if (stat(path.c_str(), &known) != 0) continue;
    found[entry.path().lexically_relative(folder).string()] =
        cat(known.st_ino, " ", known.st_mtim.tv_sec, ".", known.st_mtim.tv_nsec);
  }
  return found;
}

/// Starts a command, and kills it as soon as there are so many results.
void kill_behind(const TempFolder& folder, const std::string& arguments, int count, const std::string& ending) {
  std::ofstream(folder / "kill.sh") << "'" FU_PROGRAM "' " << arguments << " & p=$!\n"
                                    << "n=0; while [ $(find out -name '*" << ending << "' 2>/dev/null | wc -l) -lt "
                                    << count << " ] && [ $n -lt 3000 ]; do sleep 0.01; n=$((n+1)); done\n"
                                    << "kill -9 $p; wait $p\n";
  run_shell(folder, "sh kill.sh");
}

void check_same_bytes(const TempFolder& folder, const std::string& one, const std::string& other,
                      const std::string& ending) {
  const auto made = results(folder / one, ending);
  CHECK(!made.empty());
  for (const auto& file : made) {
    const std::string& name = file.first;
    CAPTURE(name);
    CHECK(slurp(folder / (one + "/" + name)) == slurp(folder / (other + "/" + name)));
  }
}

}  // namespace

TEST_CASE("shards: one that was killed makes the rest when it runs again, and no more") {
  const TempFolder folder;
  write_scenes(folder, 16, 96, 128);
  for (const std::string command : {"features photos --size 448", "upsample photos --size 224 --pca 3"}) {
    CAPTURE(command);
    const bool pictures = command[0] == 'u';
    const std::string ending = pictures ? ".npy" : ".lr.npy", shard = command + " --shard 2/2 ";
    std::filesystem::remove_all(folder / "out");
    std::filesystem::remove_all(folder / "whole");
    REQUIRE(run(folder, shard + "-o whole --quiet").code == 0);
    REQUIRE(results(folder / "whole", ending).size() == 8);
    kill_behind(folder, shard + "-o out --quiet", 2, ending);
    const auto before = results(folder / "out", ending);
    REQUIRE(before.size() >= 2);
    REQUIRE(before.size() < 8);  // else it was not killed
    check_same_bytes(folder, "out", "whole", ending);
    const Outcome again = run(folder, shard + "-o out --json");
    CAPTURE(again.err);
    REQUIRE(again.code == 0);
    const auto after = results(folder / "out", ending);
    CHECK(after.size() == 8);
    check_same_bytes(folder, "whole", "out", ending);
    // A result is finished when the last of its files is there: the picture, where a command writes one.
    const auto finished = nlohmann::json::parse(again.out).at("skipped").get<std::size_t>();
    CHECK(finished <= before.size());
    CHECK(finished + 1 >= before.size());
    if (!pictures) CHECK(finished == before.size());
    std::size_t untouched = 0;
    for (const auto& file : before) untouched += after.at(file.first) == file.second;
    CHECK(untouched == finished);
    CHECK(results(folder / "out", "").size() == results(folder / "whole", "").size());  // nothing unfinished is left
  }
}

TEST_CASE("shards: all at once make what one run makes, each photo once") {
  const TempFolder folder;
  write_scenes(folder, 9, 64, 64);
  REQUIRE(run(folder, "features photos -o whole --size 64 --quiet").code == 0);
  std::string line;
  for (const char* part : {"1", "2", "3", "4"})
    line += "'" FU_PROGRAM "' features photos -o out --size 64 --json --shard " + std::string(part) + "/4 >" + part +
            ".json & ";
  REQUIRE(run_shell(folder, "sh -c \"" + line + "wait\"").code == 0);
  CHECK(results(folder / "out", ".lr.npy").size() == 9);
  check_same_bytes(folder, "whole", "out", ".lr.npy");
  std::size_t made = 0;
  for (const char* part : {"1", "2", "3", "4"}) {
    const auto report = nlohmann::json::parse(slurp(folder / (part + std::string(".json"))));
    CHECK(report.at("skipped") == 0);
    made += report.at("outputs").size();
  }
  CHECK(made == 9);
}
