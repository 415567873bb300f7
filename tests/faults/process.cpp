#include "tests/faults/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace fu::faults {

namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  return result;
}

/// A file in memory, whose writers all append.
int memory_file() {
  const int descriptor = checked(memfd_create("printed", MFD_CLOEXEC), "memfd_create");
  checked(fcntl(descriptor, F_SETFL, O_APPEND), "fcntl");
  return descriptor;
}

std::string taken_from(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = pread(descriptor, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  checked(ftruncate(descriptor, 0), "ftruncate");
  return text;
}

/// In the new process. Nothing here may fail quietly: 127 is no code of the program.
[[noreturn]] void begin(const Command& command, int in, int out, int err) {
  std::vector<char*> arguments;
  for (const std::string& a : command.arguments) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  // The tester may have been started with signals ignored.
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGPIPE}) std::signal(number, SIG_DFL);
  const rlimit no_cores{0, 0};
  setrlimit(RLIMIT_CORE, &no_cores);
  const bool ready = dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2 &&
                     (command.channel < 0 || dup2(command.channel, kChannel) == kChannel) &&
                     (command.folder.empty() || chdir(command.folder.c_str()) == 0);
  if (!ready) _exit(127);
  // The tester may have been started with more descriptors open, which would count against a limit.
  for (int descriptor = 3; descriptor < 256; ++descriptor)
    if (descriptor != kChannel || command.channel < 0) close(descriptor);
  for (const std::string& one : command.environment) putenv(const_cast<char*>(one.c_str()));
  if (command.prepare) command.prepare();
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void set_status(Ended& ended, int status) {
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

Process::Process(const Command& command) : out_(memory_file()), err_(memory_file()) {
  int in = -1;
  if (command.input.empty()) {
    in = checked(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
  } else {
    int ends[2];
    checked(pipe2(ends, O_CLOEXEC), "pipe");
    in = ends[0];
    const ssize_t written = write(ends[1], command.input.data(), command.input.size());
    close(ends[1]);
    if (written != static_cast<ssize_t>(command.input.size())) throw std::runtime_error("too much for a pipe");
  }
  pid_ = checked(fork(), "fork");
  if (pid_ == 0) begin(command, in, out_, err_);
  close(in);
}

Process::~Process() {
  if (!ended_) wait(0);
  close(out_);
  close(err_);
}

void Process::signal(int number) const {
  if (!ended_) kill(pid_, number);
}

bool Process::ended() {
  ended_ = ended_ || waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

Ended Process::wait(double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  while (!ended()) {
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds) {
      hung_ = true;
      signal(SIGKILL);
      ended_ = waitpid(pid_, &status_, 0) == pid_;
      break;
    }
    sleep_for(0.0003);
  }
  Ended result = printed();
  set_status(result, status_);
  result.hung = hung_;
  return result;
}

Ended Process::printed() const {
  Ended result;
  result.out = taken_from(out_), result.err = taken_from(err_);
  return result;
}

Ended run(const Command& command, double seconds) { return Process(command).wait(seconds); }

}  // namespace fu::faults
