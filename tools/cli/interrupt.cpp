#include "tools/cli/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "core/files/mapped_file.h"
#include "core/files/output_file.h"

namespace fu {

namespace {

constexpr int kEnds[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};

volatile sig_atomic_t g_interrupted = 0;
bool g_output_was_closed = false;

/// Sets a handler, unless the signal is ignored.
void handle(int number, void (*handler)(int)) {
  struct sigaction now {};
  if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) return;
  signal(number, handler);
}

void end_program(int number) {
  remove_unfinished_outputs();
  signal(number, SIG_DFL);
  raise(number);
}

/// A file that is read was made shorter by another process, or its disk failed. Nothing can be unwound from here.
void on_bus_error(int number, siginfo_t* info, void*) {
  const char* const path = mapped_file_at(info->si_addr);
  if (!path) return end_program(number);
  remove_unfinished_outputs();
  for (const char* part : {"featup: error: ", path, ": was cut off while it was read, or its disk failed.\n"})
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  _exit(1);
}

/// An emulator or a hypervisor may hide instructions that it claims to have.
void on_illegal_instruction(int) {
  static const char text[] =
      "featup: error: the processor refused an instruction that it claims to have. Choose kernels that do without: "
      "FU_ISA=baseline (FU_ISA=? lists the names).\n";
  remove_unfinished_outputs();
  const auto written = write(STDERR_FILENO, text, sizeof text - 1);
  _exit(written < 0 ? 2 : 1);
}

[[noreturn]] void end_without_memory() {
  static const char text[] = "featup: error: out of memory. Ask for a smaller result.\n";
  remove_unfinished_outputs();
  const auto written = write(STDERR_FILENO, text, sizeof text - 1);
  _exit(written < 0 ? 2 : 1);
}

std::terminate_handler g_terminate_before = nullptr;

/// An exception that nobody could catch, such as one of a destructor. Everything but missing memory is a fault of ours,
/// and ends as such.
[[noreturn]] void on_terminate() {
  try {
    if (std::current_exception()) throw;
  } catch (const std::bad_alloc&) {
    end_without_memory();
  } catch (...) {
  }
  remove_unfinished_outputs();
  if (g_terminate_before) g_terminate_before();
  std::abort();
}

/// `new` found no memory. If there is not even a little, nothing can be unwound: the JSON library takes some to take
/// its values apart, and a value for which there was none is broken. Otherwise what was asked for is tried once more,
/// as others may have given some back, and then it was too large: whoever asked is told, and can go on with other
/// inputs.
void on_no_memory() {
  constexpr std::size_t kLittle = std::size_t{64} << 10;
  thread_local bool tried_again = false;
  // volatile: a compiler may else take it for granted that there is some, and ask for none.
  void* volatile little = std::malloc(kLittle);
  if (!little) end_without_memory();
  std::free(little);
  tried_again = !tried_again;
  if (!tried_again) throw std::bad_alloc();
}

void note_wish(int number) {
  g_interrupted = 1;
  if (number == SIGXCPU) return;
  for (const int other : kEnds)
    if (other != SIGXCPU) handle(other, end_program);
}

}  // namespace

void prepare_process() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    g_output_was_closed = g_output_was_closed || descriptor == STDOUT_FILENO;
    // The lowest free number is this one, since those below are open.
    if (open("/dev/null", O_RDWR) != descriptor) _exit(1);
  }
  for (const int number : kEnds) handle(number, end_program);
  struct sigaction bus {};
  bus.sa_sigaction = on_bus_error, bus.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &bus, nullptr);
  signal(SIGILL, on_illegal_instruction);
  g_terminate_before = std::set_terminate(on_terminate);
  std::set_new_handler(on_no_memory);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

bool standard_output_was_closed() { return g_output_was_closed; }

Interruptible::Interruptible() {
  g_interrupted = 0;
  for (const int number : kEnds) handle(number, note_wish);
}
Interruptible::~Interruptible() {
  for (const int number : kEnds) handle(number, end_program);
}
bool Interruptible::interrupted() const { return g_interrupted != 0; }

HeldSignals::HeldSignals() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int number : kEnds) sigaddset(&ends, number);
  pthread_sigmask(SIG_BLOCK, &ends, &before_);
}
HeldSignals::~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void HeldSignals::wait_for(const Interruptible& interruptible) const {
  while (!interruptible.interrupted()) sigsuspend(&before_);
}

}  // namespace fu
