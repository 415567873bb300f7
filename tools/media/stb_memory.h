// Memory of stb_image, bounded because a small file may inflate to gigabytes; and of stb_image_write.
#pragma once

#include <cstddef>

/// Largest block from now on, on this thread.
void stb_limit(std::size_t bytes);
/// Whether the system has refused a block since then. What the decoder says in that case speaks of a damaged file.
bool stb_ran_out();
void* stb_allocate(std::size_t bytes);
void* stb_reallocate(void* block, std::size_t bytes);

/// For stb_image_write, which does not look at what it is given: without memory these throw std::bad_alloc through it.
/// It is compiled as C++, and owns nothing but these blocks.
void* stb_writer_reallocate(void* block, std::size_t bytes);
void stb_writer_free(void* block);

/// Frees, at its end, all blocks of this thread that stb_image_write has not freed because an exception ended it.
class StbWriterMemory {
 public:
  StbWriterMemory() = default;
  ~StbWriterMemory();
  StbWriterMemory(const StbWriterMemory&) = delete;
  StbWriterMemory& operator=(const StbWriterMemory&) = delete;
};
