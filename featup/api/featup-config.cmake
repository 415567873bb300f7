# find_package(featup) makes the target featup::featup. It needs no other package. Where a prefix holds both kinds of library,
# BUILD_SHARED_LIBS chooses.
set(featup_kind static)
if(NOT EXISTS "${CMAKE_CURRENT_LIST_DIR}/featup-static.cmake" OR (BUILD_SHARED_LIBS AND EXISTS "${CMAKE_CURRENT_LIST_DIR}/featup-shared.cmake"))
  set(featup_kind shared)
endif()
include("${CMAKE_CURRENT_LIST_DIR}/featup-${featup_kind}.cmake")
unset(featup_kind)
