# 32-bit ARM (ARMv7 with VFPv3; NEON where the processor has it).
set(triplet arm-linux-gnueabihf)
set(library_folder arm-linux-gnueabihf)
set(processor armv7l)
set(emulator qemu-arm)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
