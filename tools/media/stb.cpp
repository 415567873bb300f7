// stb_image and stb_image_write, compiled once and without our warnings. Only the formats that read_image promises are
// compiled in: what is not there cannot be attacked by a damaged file.
#include "tools/media/stb_memory.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t g_limit = ~std::size_t{0};
thread_local bool g_ran_out = false;

/// In front of each block of the encoder.
struct alignas(std::max_align_t) Link {
  Link *before, *next;
};
thread_local Link* g_first = nullptr;

void* noted(void* block) {
  g_ran_out = g_ran_out || !block;
  return block;
}

}  // namespace

void stb_limit(std::size_t bytes) { g_limit = bytes, g_ran_out = false; }
bool stb_ran_out() { return g_ran_out; }
void* stb_allocate(std::size_t bytes) { return bytes <= g_limit ? noted(std::malloc(bytes)) : nullptr; }
void* stb_reallocate(void* block, std::size_t bytes) {
  return bytes <= g_limit ? noted(std::realloc(block, bytes)) : nullptr;
}

void* stb_writer_reallocate(void* block, std::size_t bytes) {
  Link* const old = block ? static_cast<Link*>(block) - 1 : nullptr;
  Link* const made = static_cast<Link*>(std::realloc(old, sizeof(Link) + bytes));
  if (!made) throw std::bad_alloc();
  if (!old) made->before = nullptr, made->next = g_first;
  if (made->next) made->next->before = made;
  (made->before ? made->before->next : g_first) = made;
  return made + 1;
}

void stb_writer_free(void* block) {
  if (!block) return;
  Link* const link = static_cast<Link*>(block) - 1;
  if (link->next) link->next->before = link->before;
  (link->before ? link->before->next : g_first) = link->next;
  std::free(link);
}

StbWriterMemory::~StbWriterMemory() {
  while (g_first) stb_writer_free(g_first + 1);
}

#define STBI_MALLOC(size) stb_allocate(size)
#define STBI_REALLOC(block, size) stb_reallocate(block, size)
#define STBI_FREE(block) std::free(block)
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS (1 << 28)  // a side; the product is checked before
#include <stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STBIW_MALLOC(size) stb_writer_reallocate(nullptr, size)
#define STBIW_REALLOC(block, size) stb_writer_reallocate(block, size)
#define STBIW_FREE(block) stb_writer_free(block)
#include <stb_image_write.h>
