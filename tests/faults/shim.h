/* What the wrappers of the shim share. */
#ifndef FU_FAULTS_SHIM_H
#define FU_FAULTS_SHIM_H

#include <stdbool.h>

/* Kinds of calls, counted apart. */
enum kind { MEMORY, FILES, CLOCK, THREADS };

/* What a call can answer beside success and errors; flags. */
enum {
  INTERRUPTIBLE = 1, /* EINTR */
  SHORTENABLE = 2,   /* fewer bytes than were asked for */
};

/* What becomes of the call that asks. */
enum verdict { UNTOUCHED, FAILS, IS_SHORT };

/* Counts a call, and decides. For FAILS errno is set. The process may end here, or be forked. */
enum verdict verdict_of(enum kind kind, int flags, const char* name);

/* The clock's jump at this call, in seconds. */
long jump_of(const char* name);

/* The function of that name behind ours. */
void* next_of(const char* name);

/* Files that are open for writing, so that a fork would share them. */
void note_open(int descriptor, int open_flags);
void note_close(int descriptor);

/* Whether the program's main() has begun, and the shim itself is not at work. */
bool is_counting(void);

#endif
