# IBM Z: 64 bits, big-endian.
set(triplet s390x-linux-gnu)
set(library_folder s390x-linux-gnu)
set(processor s390x)
set(emulator qemu-s390x)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
