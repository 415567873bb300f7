# WebAssembly with its 128-bit vectors, by Debian's emscripten; programs are run by node.
#
# Debian's packages of headers, and zlib compiled for WebAssembly, are in build-platforms/wasm-packages: tools/test_wasm.sh fills it.
# FU_CROSS_PACKAGES in the environment names another such folder.
set(EMSCRIPTEN_SYSTEM_PROCESSOR wasm32)
if(DEFINED ENV{FU_CROSS_PACKAGES})
  set(CMAKE_FIND_ROOT_PATH $ENV{FU_CROSS_PACKAGES})
else()
  set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/../../build-platforms/wasm-packages)
endif()
if(NOT DEFINED EMSCRIPTEN_ROOT_PATH)
  set(EMSCRIPTEN_ROOT_PATH /usr/share/emscripten)
endif()
include(${EMSCRIPTEN_ROOT_PATH}/cmake/Modules/Platform/Emscripten.cmake)
list(APPEND CMAKE_SYSTEM_PREFIX_PATH /usr)

# The processor's own exceptions: those that are made of JavaScript cost a call through it in every function that could throw.
set(CMAKE_CXX_FLAGS_INIT -fwasm-exceptions)
set(CMAKE_CROSSCOMPILING_EMULATOR node)
# One thread: several would need memory that is shared, which browsers give to pages with special headers alone.
set(FU_THREADS none CACHE STRING "Who runs parallel loops")
# A program cannot leave its own memory, and its calls and returns lie outside of it.
set(FU_HARDENING OFF CACHE BOOL "")
set(FU_INSTALL OFF CACHE BOOL "")
set(FU_SERVE OFF CACHE STRING "")
