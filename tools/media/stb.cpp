// stb_image and stb_image_write, compiled once and without our warnings. Only the formats that read_image promises are
// compiled in: what is not there cannot be attacked by a damaged file.
#include "tools/media/stb_memory.h"

#include <cstdlib>

namespace {
thread_local std::size_t g_limit = ~std::size_t{0};
}
void stb_limit(std::size_t bytes) { g_limit = bytes; }
void* stb_allocate(std::size_t bytes) { return bytes <= g_limit ? std::malloc(bytes) : nullptr; }
void* stb_reallocate(void* block, std::size_t bytes) { return bytes <= g_limit ? std::realloc(block, bytes) : nullptr; }

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
#include <stb_image_write.h>
