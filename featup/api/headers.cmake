# Writes the public headers to ${PROJECT_BINARY_DIR}/include/featup. Public is what the umbrella featup/api/featup.h includes,
# and what these headers include in turn.
#
# Our own files say #include "core/tensor.h". A user may have a core/tensor.h of his own, so in the copies this becomes
# "featup/core/tensor.h". The rooms of the floor featup lie directly below featup/: "featup/photo/preprocess.h" stays.

set(fu_public_includes ${PROJECT_BINARY_DIR}/include)

# The path below featup/include of a header of ours.
function(fu_public_path header result)
  if(header MATCHES "^featup/api/(.*)$")
    set(${result} featup/${CMAKE_MATCH_1} PARENT_SCOPE)
  elseif(header MATCHES "^featup/")
    set(${result} ${header} PARENT_SCOPE)
  else()
    set(${result} featup/${header} PARENT_SCOPE)
  endif()
endfunction()

# Writes a file unless that is its text already: a newer time would compile its users again.
function(fu_write path text)
  set(old "")
  if(EXISTS ${path})
    file(READ ${path} old)
  endif()
  if(NOT old STREQUAL text)
    file(WRITE ${path} "${text}")
  endif()
endfunction()

# The headers of ours that a header includes.
function(fu_included header result)
  file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include \"")
  set(found "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^#include \"([^\"]+)\"")
      list(APPEND found ${CMAKE_MATCH_1})
    endif()
  endforeach()
  list(REMOVE_ITEM found featup/config.h featup/version.h)  # written by CMake, see below
  set(${result} ${found} PARENT_SCOPE)
endfunction()

set(fu_public_headers "")
set(waiting featup/api/featup.h featup/api/featup_c.h)
if(EXISTS ${PROJECT_SOURCE_DIR}/core/eigen.h)
  list(APPEND waiting core/eigen.h)  # not in the umbrella: it needs Eigen
endif()
set(written featup/config.h featup/version.h)
while(waiting)
  list(POP_FRONT waiting header)
  if(header IN_LIST fu_public_headers)
    continue()
  endif()
  list(APPEND fu_public_headers ${header})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
  file(READ ${PROJECT_SOURCE_DIR}/${header} text)
  string(REGEX REPLACE "#include \"(core|autograd|layers)/" "#include \"featup/\\1/" text "${text}")
  if(header STREQUAL "core/base.h")  # users must not have to define how the library was built
    string(REPLACE "#pragma once\n" "#pragma once\n\n#include \"featup/config.h\"\n" text "${text}")
  endif()
  fu_public_path(${header} path)
  fu_write(${fu_public_includes}/${path} "${text}")
  list(APPEND written ${path})
  fu_included(${header} more)
  list(APPEND waiting ${more})
endwhile()
set_property(GLOBAL PROPERTY fu_public_headers ${fu_public_headers})  # as they stand in the tree
foreach(header config version)
  file(READ ${fu_generated}/featup/${header}.h text)
  fu_write(${fu_public_includes}/featup/${header}.h "${text}")
endforeach()

# Headers that are no longer public.
file(GLOB_RECURSE present RELATIVE ${fu_public_includes} ${fu_public_includes}/featup/*)
foreach(header IN LISTS present)
  if(NOT header IN_LIST written)
    file(REMOVE ${fu_public_includes}/${header})
  endif()
endforeach()
