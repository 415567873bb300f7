# 32-bit x86 with SSE2.
set(triplet i686-linux-gnu)
set(library_folder i386-linux-gnu)
set(processor i686)
set(emulator qemu-i386)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
