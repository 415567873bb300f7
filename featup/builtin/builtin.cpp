#include "featup/builtin/builtin.h"

// The assembler includes the files as they are. As C++ arrays, megabytes of numbers would take a compiler minutes.
// Hidden: the compiler takes other symbols' addresses from a table that some linkers (AArch64) do not fill for local
// ones. Objects of WebAssembly are not ELF: their data have a size, and the compiler itself goes back to its section.
#ifdef __ELF__
#define FU_INCLUDE_FILE(symbol, file)                                                                             \
  asm(".pushsection .rodata\n.balign 64\n.local " #symbol "\n" #symbol ":\n.incbin \"" FU_BUILTIN_FOLDER "/" file \
      "\"\n.local " #symbol "_end\n" #symbol "_end:\n.popsection\n");                                             \
  extern "C" __attribute__((visibility("hidden"))) const unsigned char symbol[], symbol##_end[]
#else
#define FU_INCLUDE_FILE(symbol, file)                                                                                  \
  asm(".section .rodata." #symbol ",\"\",@\n.p2align 6\n.globl " #symbol "\n.type " #symbol ",@object\n" #symbol       \
      ":\n.incbin \"" FU_BUILTIN_FOLDER "/" file "\"\n.globl " #symbol "_end\n.type " #symbol "_end,@object\n" #symbol \
      "_end:\n.int8 0\n.size " #symbol ", " #symbol "_end - " #symbol "\n.size " #symbol "_end, 1\n");                 \
  extern "C" __attribute__((visibility("hidden"))) const unsigned char symbol[], symbol##_end[]
#endif

FU_INCLUDE_FILE(fu_builtin_stack, "jbu.safetensors");
FU_INCLUDE_FILE(fu_builtin_backbone, "backbone.safetensors");

namespace fu {

namespace {

Weights inside(const char* name, const unsigned char* begin, const unsigned char* end) {
  return Weights(std::make_shared<MappedFile>(name, begin, usize(end - begin)));
}

}  // namespace

Weights builtin_stack() { return inside("built-in stack", fu_builtin_stack, fu_builtin_stack_end); }
Weights builtin_backbone() { return inside("built-in backbone", fu_builtin_backbone, fu_builtin_backbone_end); }

}  // namespace fu
