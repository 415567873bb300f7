// Files under construction: many processes at one name, what killed processes leave, and names that others have taken.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "core/files/output_file.h"
#include "core/files/temporary_files.h"
#include "core/system.h"
#include "tests/core/file_bytes.h"

using namespace fu;
using namespace fu::test;

namespace {

std::set<std::string> names_in(const TempFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.insert(entry.path().filename().string());
  return names;
}

/// Runs in a process of its own, and returns how it ended.
template <class F>
int in_child(const F& work) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      work();
    } catch (...) {
      _exit(9);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("output files: eight processes at one name leave one whole file and nothing else" *
          doctest::skip(!kHasProcesses)) {
  const TempFolder folder;
  const std::string path = folder / "result";
  constexpr int kWriters = 8, kFiles = 20;
  std::vector<pid_t> children;
  for (int w = 0; w < kWriters; ++w) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        for (int i = 0; i < kFiles; ++i) {
          OutputFile file(path);
          const std::string half(5000, static_cast<char>('a' + w));
          file.write(half.data(), half.size());
          file.write(half.data(), half.size());
          file.commit();
        }
      } catch (...) {
        _exit(9);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const std::string bytes = read_bytes(path);
  CHECK(bytes == std::string(10000, bytes.at(0)));
  CHECK(names_in(folder) == std::set<std::string>{"result"});
}

TEST_CASE("output files: what a killed process left is removed by the next, what is in use is not" *
          doctest::skip(!kHasProcesses)) {
  const TempFolder folder;
  const int status = in_child([&] {
    OutputFile file(folder / "killed");
    file.write("half", 4);
    raise(SIGKILL);
  });
  CHECK(WIFSIGNALED(status));
  CHECK(names_in(folder).size() == 1);
  // Not ours to remove: other names, and links that lead elsewhere.
  write_bytes(folder / "x.part-12345", "mine");
  write_bytes(folder / "target", "mine");
  std::filesystem::create_symlink(folder / "target", folder / "x.part-0123456789abcdef");
  OutputFile live(folder / "live");
  live.write("whole", 5);
  CHECK(names_in(folder).size() == 4);  // the one of the killed process is gone
  remove_stale_files(folder.path());
  live.commit();
  CHECK(read_bytes(folder / "live") == "whole");
  CHECK(names_in(folder) == std::set<std::string>{"live", "target", "x.part-0123456789abcdef", "x.part-12345"});
  CHECK(read_bytes(folder / "target") == "mine");
}

TEST_CASE("output files: temporary names differ, and are never too long") {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) names.insert(temporary_name("a/b/c.npy"));
  CHECK(names.size() == 1000);
  CHECK(names.begin()->rfind("a/b/c.npy.part-", 0) == 0);
  const TempFolder folder;
  const std::string longest(255, 'n');
  OutputFile file(folder / longest);
  file.write("x", 1);
  file.commit();
  CHECK(read_bytes(folder / longest) == "x");
  CHECK(folder_part("name") == "");
  CHECK(folder_part("/name") == "/");
}

TEST_CASE("output files: the mode follows the umask, an older file is replaced, not written into" *
          doctest::skip(!kHasProcesses)) {
  const TempFolder folder;
  write_bytes(folder / "old", "older content");
  std::filesystem::create_hard_link(folder / "old", folder / "other name");
  const mode_t before = umask(027);
  {
    OutputFile file(folder / "old");
    file.write("new", 3);
    file.commit();
  }
  umask(before);
  struct stat info {};
  REQUIRE(stat((folder / "old").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(read_bytes(folder / "old") == "new");
  CHECK(read_bytes(folder / "other name") == "older content");
}

TEST_CASE("output files: '-' is standard output" * doctest::skip(!kHasProcesses)) {
  const TempFolder folder;
  const int status = in_child([&] {
    if (!std::freopen((folder / "out").c_str(), "w", stdout)) _exit(8);
    OutputFile file("-");
    file.write("bytes", 5);
    file.commit();
  });
  CHECK(status == 0);
  CHECK(read_bytes(folder / "out") == "bytes");
  CHECK(names_in(folder) == std::set<std::string>{"out"});
}

TEST_CASE("output: a pipe that does not wait takes all of the data" * doctest::skip(!kHasThreads)) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  const std::vector<char> data(std::size_t{1} << 20, 'x');  // a pipe has room for 64 KB
  std::size_t received = 0;
  std::thread reader([&] {
    std::vector<char> block(10000);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (ssize_t n = 0; (n = read(ends[0], block.data(), block.size())) > 0;) received += static_cast<std::size_t>(n);
  });
  std::size_t sent = 0;
  while (sent < data.size()) {
    const std::ptrdiff_t n = os::write_some(ends[1], data.data() + sent, data.size() - sent);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  close(ends[1]);
  reader.join();
  close(ends[0]);
  CHECK(sent == data.size());
  CHECK(received == data.size());
}
