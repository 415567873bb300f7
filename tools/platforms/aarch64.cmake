# 64-bit ARM (ARMv8).
set(triplet aarch64-linux-gnu)
set(library_folder aarch64-linux-gnu)
set(processor aarch64)
set(emulator qemu-aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
