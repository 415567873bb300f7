/* The calls that give memory. What C++ allocates comes through these, too. They are not looked up, since looking up
 * allocates: the C library has them under a second name. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "shim.h"

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* block, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

static bool fails(const char* name) { return is_counting() && verdict_of(MEMORY, 0, name) == FAILS; }

void* malloc(size_t size) { return fails("malloc") ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails("calloc") ? NULL : __libc_calloc(count, size); }
void* realloc(void* block, size_t size) { return fails("realloc") ? NULL : __libc_realloc(block, size); }
void* memalign(size_t alignment, size_t size) { return fails("memalign") ? NULL : __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return fails("aligned_alloc") ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void** block, size_t alignment, size_t size) {
  if (fails("posix_memalign")) return ENOMEM;
  void* const made = __libc_memalign(alignment, size);
  if (!made) return ENOMEM;
  *block = made;
  return 0;
}
