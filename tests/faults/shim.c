/* LD_PRELOAD shim that lets calls of the system fail: the n-th, or all from the n-th on. Calls are counted from the
 * start of main(): what the dynamic linker and the C++ library need before it is no part of the test.
 *
 *   FU_FAULT=KIND:N:ACTION:DESCRIPTOR
 *
 *   KIND        memory (malloc and its kin, anonymous mmap), files (shim_files.c has the list), clock, threads
 *   N           the number of the call, from 1; 0: none, calls are only counted
 *   ACTION      the name of an error (EIO; "EIO+" for all calls from the N-th on); short: a byte fewer is read or
 * written; kill: SIGKILL; jump=SECONDS: the clock stands that much further, from then on; fork: see below DESCRIPTOR
 * where each counted call's name and abilities are written, a line each; or -1
 *
 * fork: the process is copied at each call, the call fails in the copy, which goes on to its end, and the original goes
 * on as if nothing had happened. So all allocations of a program are tried in one run of it. DESCRIPTOR is one end of a
 * socket: a struct report goes out before and after each copy, and struct order comes back, after it with the next call
 * to try. At calls during which a file is open for writing, which the copy would share, nothing is tried, and the
 * report says so. For programs of one thread. */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol.h"

static const struct {
  const char* name;
  int number;
} kErrors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR},   {"EBADF", EBADF}, {"ENOMEM", ENOMEM},
               {"EMFILE", EMFILE}, {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EROFS", EROFS}, {"ENOSYS", ENOSYS}};
static const char* const kKinds[] = {"memory", "files", "clock", "threads"};

static enum { FAIL, SHORTEN, KILL, JUMP, FORK } action;
static enum kind counted;
static long wanted; /* the call's number */
static long jump;   /* seconds */
static bool persists;
static int error_number, channel = -1;
static atomic_long calls;
static atomic_bool counting;
static _Thread_local int at_work;
static bool is_copy;
static unsigned char writable[1024]; /* by descriptor */
static int writing;                  /* how many */

bool is_counting(void) { return counting && at_work == 0; }

void* next_of(const char* name) {
  ++at_work; /* the linker may allocate */
  void* const found = dlsym(RTLD_NEXT, name);
  --at_work;
  if (!found) _exit(125);
  return found;
}

void note_open(int descriptor, int open_flags) {
  if (descriptor < 0 || descriptor >= (int)sizeof writable || (open_flags & O_ACCMODE) == O_RDONLY) return;
  writing += !writable[descriptor];
  writable[descriptor] = 1;
}
void note_close(int descriptor) {
  if (descriptor < 0 || descriptor >= (int)sizeof writable) return;
  writing -= writable[descriptor];
  writable[descriptor] = 0;
}

/* The wrappers stand in front of write() and read() here, too. */
static void tell(const void* data, size_t size) {
  if (syscall(SYS_write, channel, data, size) != (long)size) syscall(SYS_exit_group, 124);
}

static void hear(struct order* order) {
  long n;
  do n = syscall(SYS_read, channel, order, sizeof *order);
  while (n < 0 && errno == EINTR);
  if (n != (long)sizeof *order) syscall(SYS_exit_group, 124); /* the tester is gone */
}

static pid_t copied(void) {
#if __GLIBC_PREREQ(2, 34)
  return _Fork(); /* without the handlers of pthread_atfork(), which may wait for a lock that this thread holds */
#else
  return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

/* Tries the call in a copy, as often as the tester wishes. True in the copy. */
static bool in_a_copy(long n) {
  struct order order;
  do {
    struct report report = {n, 0, writing > 0 ? REPORT_HELD : REPORT_BEFORE, persists};
    if (writing == 0) {
      tell(&report, sizeof report);
      hear(&order);
      report.kind = REPORT_TRIED;
      const pid_t pid = copied();
      if (pid < 0) syscall(SYS_exit_group, 123);
      if (pid == 0) {
        is_copy = true;
        alarm(30); /* SIGALRM then tells that it hung */
        return true;
      }
      while (waitpid(pid, &report.status, 0) < 0 && errno == EINTR) continue;
    }
    tell(&report, sizeof report);
    hear(&order);
    persists = order.persists;
    wanted = order.next;
  } while (wanted == n);
  return false;
}

static bool is_due(long n) { return wanted > 0 && (n == wanted || (persists && n > wanted)); }

enum verdict verdict_of(enum kind kind, int flags, const char* name) {
  if (!is_counting() || kind != counted) return UNTOUCHED;
  const long n = ++calls;
  if (action == FORK) {
    if (is_copy ? !is_due(n) : n != wanted) return UNTOUCHED;
    ++at_work;
    const int before = errno;
    const bool fails = is_copy || in_a_copy(n);
    errno = fails ? ENOMEM : before;
    --at_work;
    return fails ? FAILS : UNTOUCHED;
  }
  if (channel >= 0) {
    char line[80];
    ++at_work;
    const int length = snprintf(line, sizeof line, "%s%s%s\n", name, flags & INTERRUPTIBLE ? " i" : "",
                                flags & SHORTENABLE ? " s" : "");
    tell(line, (size_t)length);
    --at_work;
  }
  if (!is_due(n)) return UNTOUCHED;
  if (action == KILL) syscall(SYS_kill, getpid(), SIGKILL);
  if (action == SHORTEN) return flags & SHORTENABLE ? IS_SHORT : UNTOUCHED;
  if (action != FAIL || (error_number == EINTR && !(flags & INTERRUPTIBLE))) return UNTOUCHED;
  errno = error_number;
  return FAILS;
}

long jump_of(const char* name) {
  (void)verdict_of(CLOCK, 0, name);
  return action == JUMP && wanted > 0 && calls >= wanted ? jump : 0;
}

static void read_action(char* text) {
  const size_t length = strlen(text);
  persists = length > 0 && text[length - 1] == '+';
  if (persists) text[length - 1] = '\0';
  for (size_t i = 0; i < sizeof kErrors / sizeof *kErrors; ++i)
    if (strcmp(text, kErrors[i].name) == 0) error_number = kErrors[i].number;
  action = strcmp(text, "short") == 0       ? SHORTEN
           : strcmp(text, "kill") == 0      ? KILL
           : strncmp(text, "jump=", 5) == 0 ? JUMP
           : strcmp(text, "fork") == 0      ? FORK
                                            : FAIL;
  if (action == JUMP) jump = strtol(text + 5, NULL, 10);
  if (action == FAIL && error_number == 0) _exit(126);
}

static void read_environment(void) {
  char kind[16], text[32];
  const char* const fault = getenv("FU_FAULT");
  if (!fault) return;
  if (sscanf(fault, "%15[^:]:%ld:%31[^:]:%d", kind, &wanted, text, &channel) != 4) _exit(126);
  int found = -1;
  for (int i = 0; i < 4; ++i)
    if (strcmp(kind, kKinds[i]) == 0) found = i;
  if (found < 0) _exit(126);
  counted = (enum kind)found;
  read_action(text);
  unsetenv("FU_FAULT"); /* not for what the program starts */
  counting = true;
}

static int (*real_main)(int, char**, char**);

static int counted_main(int argc, char** argv, char** environment) {
  read_environment();
  return real_main(argc, argv, environment);
}

__attribute__((destructor)) static void at_end(void) {
  if (action != FORK || is_copy || !counting) return;
  counting = false;
  const struct report report = {calls, 0, REPORT_END, 0};
  tell(&report, sizeof report);
}

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void* stack_end) {
  int (*real)(int (*)(int, char**, char**), int, char**, void (*)(void), void (*)(void), void (*)(void), void*);
  *(void**)&real = next_of("__libc_start_main");
  real_main = main;
  return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
