# 32-bit ARM (ARMv7 with VFPv3; NEON where the processor has it).
set(triplet arm-linux-gnueabihf)
set(library_folder arm-linux-gnueabihf)
set(processor armv7l)
set(emulator qemu-arm)
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)  # else notes about programs that GCC 6 compiled
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
