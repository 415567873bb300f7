// Pipes as files for reading, and files that become shorter while they are read.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "core/files/mapped_file.h"
#include "core/files/weights.h"
#include "tests/core/file_bytes.h"
#include "tools/cli/interrupt.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("pipes: what comes through is read whole, and can be opened again") {
  const TempFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  write_npy(folder / "a.npy", Tensor::from({300, 200}, std::vector<real>(60000, 2)));
  const std::string bytes = read_bytes(folder / "a.npy");
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the reader comes first
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), 1000);
    out.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    out.write(bytes.data() + 1000, static_cast<std::streamsize>(bytes.size()) - 1000);
  });
  const Weights once(path);
  writer.join();
  CHECK(once.read_single().shape() == Shape{300, 200});
  CHECK(same_bits(Weights(path).read_single(), once.read_single()));
  const MappedFile file(path);
  CHECK(file.text(0, file.size()) == bytes);
}

TEST_CASE("pipes: one that nobody writes to is empty, after some seconds; devices are refused") {
  const TempFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK(message_of([&] { MappedFile file(path); }) == path + ": is empty.");
  CHECK(contains(message_of([&] { MappedFile file("/dev/zero"); }), "is not a regular file"));
}

TEST_CASE("mapped files: one that is cut while it is read ends the program in one line") {
  const TempFolder folder;
  const std::string path = folder / "cut.bin";
  write_bytes(path, std::string(1 << 16, 'x'));
  {
    const MappedFile file(path);
    CHECK(mapped_file_at(file.data()) == path);
    CHECK(mapped_file_at(file.data() + file.size()) == nullptr);
    CHECK(mapped_file_at(&path) == nullptr);
  }
  const pid_t child = fork();
  if (child == 0) {
    if (!std::freopen((folder / "err").c_str(), "w", stderr)) _exit(8);
    prepare_process();
    const MappedFile file(path);
    if (truncate(path.c_str(), 100) != 0) _exit(7);
    const volatile unsigned char* last = file.data() + file.size() - 1;
    _exit(*last == 'x' ? 6 : 5);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(read_bytes(folder / "err") ==
        "featup: error: " + path + ": was cut off while it was read, or its disk failed.\n");
}
