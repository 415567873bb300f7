// A bound on the blocks that stb_image allocates: a small file may inflate to gigabytes.
#pragma once

#include <cstddef>

/// Largest block from now on, on this thread.
void stb_limit(std::size_t bytes);
void* stb_allocate(std::size_t bytes);
void* stb_reallocate(void* block, std::size_t bytes);
