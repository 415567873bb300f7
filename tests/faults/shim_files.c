/* The calls that reach files, in the order: opening, content, names and folders, the rest; and memory maps, threads,
 * clocks. The C library's own calls, such as those behind printf(), do not come through here: a full device does for
 * them what a failing write() does here (see part_limits.cpp). */
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

/* A function NAME that returns FAILURE when its turn has come, and else what the one behind it returns. */
#define WRAP(result, name, parameters, arguments, flags, failure) \
  result name parameters {                                        \
    static result(*real) parameters;                              \
    if (!real) *(void**)&real = next_of(#name);                   \
    if (verdict_of(FILES, flags, #name) == FAILS) return failure; \
    return real arguments;                                        \
  }

/* ---- opening */

static mode_t mode_after(int flags, va_list* list) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(*list, mode_t) : 0;
}

#define WRAP_OPEN(name, parameters, arguments)                       \
  int name parameters {                                              \
    static int(*real) parameters;                                    \
    if (!real) *(void**)&real = next_of(#name);                      \
    va_list list;                                                    \
    va_start(list, flags);                                           \
    const mode_t mode = mode_after(flags, &list);                    \
    va_end(list);                                                    \
    if (verdict_of(FILES, INTERRUPTIBLE, #name) == FAILS) return -1; \
    const int descriptor = real arguments;                           \
    note_open(descriptor, flags);                                    \
    return descriptor;                                               \
  }
WRAP_OPEN(open, (const char* path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char* path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int folder, const char* path, int flags, ...), (folder, path, flags, mode))
WRAP_OPEN(openat64, (int folder, const char* path, int flags, ...), (folder, path, flags, mode))
WRAP(FILE*, fopen, (const char* path, const char* mode), (path, mode), 0, NULL)
WRAP(FILE*, fopen64, (const char* path, const char* mode), (path, mode), 0, NULL)

/* It closes the descriptor whatever it answers. */
int close(int descriptor) {
  static int (*real)(int);
  if (!real) *(void**)&real = next_of("close");
  const bool fails = verdict_of(FILES, INTERRUPTIBLE, "close") == FAILS;
  const int error = errno, done = real(descriptor);
  note_close(descriptor);
  if (!fails) return done;
  errno = error;
  return -1;
}

int fcntl(int descriptor, int command, ...) {
  static int (*real)(int, int, ...);
  if (!real) *(void**)&real = next_of("fcntl");
  va_list list;
  va_start(list, command);
  void* const argument = va_arg(list, void*);
  va_end(list);
  /* Asking for flags, the one call without an argument here, tells an open descriptor from a closed one. */
  const bool asks = command == F_GETFD || command == F_GETFL;
  if (!asks && verdict_of(FILES, 0, "fcntl") == FAILS) return -1;
  return asks ? real(descriptor, command) : real(descriptor, command, argument);
}

/* ---- content */

#define WRAP_CONTENT(name, parameters, call)                                                             \
  ssize_t name parameters {                                                                              \
    static ssize_t(*real) parameters;                                                                    \
    if (!real) *(void**)&real = next_of(#name);                                                          \
    const enum verdict verdict = verdict_of(FILES, INTERRUPTIBLE | (size > 1 ? SHORTENABLE : 0), #name); \
    if (verdict == FAILS) return -1;                                                                     \
    if (verdict == IS_SHORT) size = (size + 1) / 2;                                                      \
    return real call;                                                                                    \
  }
WRAP_CONTENT(read, (int descriptor, void* to, size_t size), (descriptor, to, size))
WRAP_CONTENT(write, (int descriptor, const void* from, size_t size), (descriptor, from, size))
WRAP_CONTENT(pread, (int descriptor, void* to, size_t size, off_t at), (descriptor, to, size, at))
WRAP_CONTENT(pread64, (int descriptor, void* to, size_t size, off64_t at), (descriptor, to, size, at))
WRAP_CONTENT(pwrite, (int descriptor, const void* from, size_t size, off_t at), (descriptor, from, size, at))
WRAP_CONTENT(pwrite64, (int descriptor, const void* from, size_t size, off64_t at), (descriptor, from, size, at))
WRAP(off_t, lseek, (int descriptor, off_t at, int from), (descriptor, at, from), 0, -1)
WRAP(off64_t, lseek64, (int descriptor, off64_t at, int from), (descriptor, at, from), 0, -1)
WRAP(int, ftruncate, (int descriptor, off_t size), (descriptor, size), INTERRUPTIBLE, -1)
WRAP(int, fsync, (int descriptor), (descriptor), INTERRUPTIBLE, -1)
WRAP(int, fdatasync, (int descriptor), (descriptor), INTERRUPTIBLE, -1)
WRAP(int, flock, (int descriptor, int operation), (descriptor, operation), INTERRUPTIBLE, -1)

/* ---- names and folders */

WRAP(int, rename, (const char* from, const char* to), (from, to), 0, -1)
WRAP(int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to), 0, -1)
WRAP(int, link, (const char* from, const char* to), (from, to), 0, -1)
WRAP(int, linkat, (int a, const char* from, int b, const char* to, int flags), (a, from, b, to, flags), 0, -1)
WRAP(int, unlink, (const char* path), (path), 0, -1)
WRAP(int, unlinkat, (int folder, const char* path, int flags), (folder, path, flags), 0, -1)
WRAP(int, remove, (const char* path), (path), 0, -1)
WRAP(int, rmdir, (const char* path), (path), 0, -1)
WRAP(int, mkdir, (const char* path, mode_t mode), (path, mode), 0, -1)
WRAP(DIR*, opendir, (const char* path), (path), 0, NULL)
WRAP(DIR*, fdopendir, (int descriptor), (descriptor), 0, NULL)
WRAP(struct dirent*, readdir, (DIR * folder), (folder), 0, NULL)
WRAP(struct dirent64*, readdir64, (DIR * folder), (folder), 0, NULL)
WRAP(char*, realpath, (const char* path, char* to), (path, to), 0, NULL)
WRAP(ssize_t, readlink, (const char* path, char* to, size_t size), (path, to, size), 0, -1)
WRAP(char*, getcwd, (char* to, size_t size), (to, size), 0, NULL)

/* ---- what is said of files, and of the process */

WRAP(int, stat, (const char* path, struct stat* to), (path, to), 0, -1)
WRAP(int, stat64, (const char* path, struct stat64* to), (path, to), 0, -1)
WRAP(int, lstat, (const char* path, struct stat* to), (path, to), 0, -1)
WRAP(int, lstat64, (const char* path, struct stat64* to), (path, to), 0, -1)
WRAP(int, fstat, (int descriptor, struct stat* to), (descriptor, to), 0, -1)
WRAP(int, fstat64, (int descriptor, struct stat64* to), (descriptor, to), 0, -1)
WRAP(int, fstatat, (int folder, const char* path, struct stat* to, int flags), (folder, path, to, flags), 0, -1)
WRAP(int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t* to), (pid, size, to), 0, -1)
WRAP(int, madvise, (void* address, size_t size, int advice), (address, size, advice), 0, -1)
WRAP(int, getentropy, (void* to, size_t size), (to, size), 0, -1)

/* ---- memory maps: of files, or memory */

#define WRAP_MAP(name, offset)                                                                    \
  void* name(void* address, size_t size, int protection, int flags, int descriptor, offset at) {  \
    static void* (*real)(void*, size_t, int, int, int, offset);                                   \
    if (!real) *(void**)&real = next_of(#name);                                                   \
    if (verdict_of(flags & MAP_ANONYMOUS ? MEMORY : FILES, 0, #name) == FAILS) return MAP_FAILED; \
    return real(address, size, protection, flags, descriptor, at);                                \
  }
WRAP_MAP(mmap, off_t)
WRAP_MAP(mmap64, off64_t)

/* ---- threads and clocks */

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  static int (*real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (!real) *(void**)&real = next_of("pthread_create");
  return verdict_of(THREADS, 0, "pthread_create") == FAILS ? errno : real(thread, attributes, body, argument);
}

int clock_gettime(clockid_t clock, struct timespec* to) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) *(void**)&real = next_of("clock_gettime");
  const int done = real(clock, to);
  if (done == 0) to->tv_sec += jump_of("clock_gettime");
  return done;
}

int gettimeofday(struct timeval* restrict to, void* restrict zone) {
  static int (*real)(struct timeval*, void*);
  if (!real) *(void**)&real = next_of("gettimeofday");
  const int done = real(to, zone);
  if (done == 0) to->tv_sec += jump_of("gettimeofday");
  return done;
}

time_t time(time_t* to) {
  static time_t (*real)(time_t*);
  if (!real) *(void**)&real = next_of("time");
  const time_t now = real(NULL) + jump_of("time");
  if (to) *to = now;
  return now;
}
