# What the toolchain files of this folder share: Debian's cross compiler of `triplet`, programs run by `emulator`.
#
# Headers are the same for all processors and lie in /usr/include. Compiled libraries (zlib1g-dev:arm64 and libturbojpeg0-dev:arm64,
# say) are unpacked with dpkg -x into build-platforms/packages. FU_CROSS_PACKAGES in the environment names another such folder.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${processor})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${library_folder})
if(DEFINED ENV{FU_CROSS_PACKAGES})
  set(CMAKE_FIND_ROOT_PATH $ENV{FU_CROSS_PACKAGES} /usr/${triplet})
else()
  set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/../../build-platforms/packages /usr/${triplet})
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(CMAKE_CROSSCOMPILING_EMULATOR ${emulator} -L /usr/${triplet})
