# Every way of taking the library in, as a test: the programs of tests/consume, built and run against a prefix that is new.
option(FU_CONSUME_ALL "Also the tests of consumers that build the library once more" OFF)
find_program(FU_CLANG NAMES clang++)
find_program(FU_PKG_CONFIG NAMES pkg-config)
set(consume ${CMAKE_CURRENT_LIST_DIR})
set(places ${PROJECT_BINARY_DIR}/consume)

foreach(kind static shared)
  add_test(NAME consume/install_${kind} COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DKIND=${kind} -DPREFIX=${places}/prefix-${kind}
    -P ${consume}/install.cmake)
  set_tests_properties(consume/install_${kind} PROPERTIES FIXTURES_SETUP prefix_${kind})
endforeach()

# consumer(NAME WAY KIND OPTION...)
function(consumer name way kind)
  set(shared OFF)
  if(kind STREQUAL "shared")
    set(shared ON)
  endif()
  add_test(NAME consume/${name} COMMAND ${CMAKE_COMMAND} -DWAY=${way} -DSHARED=${shared} -DREAL=${FU_REAL} -DPREFIX=${places}/prefix-${kind}
    -DLIBDIR=${CMAKE_INSTALL_LIBDIR} -DFEATUP=${PROJECT_SOURCE_DIR} -DPLACE=${places}/${name} -DCOMPILER=${CMAKE_CXX_COMPILER} -DC_COMPILER=${CMAKE_C_COMPILER}
    -DGENERATOR=${CMAKE_GENERATOR} -DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER} ${ARGN} -P ${consume}/run.cmake)
  set_tests_properties(consume/${name} PROPERTIES FIXTURES_REQUIRED prefix_${kind})
endfunction()

consumer(find_package_static find_package static -DSTANDARD=11 -DHEADERS=ON -DEXAMPLES=ON)
consumer(find_package_shared find_package shared -DSTANDARD=20)
if(FU_CLANG)
  consumer(clang_static find_package static -DCOMPILER=${FU_CLANG} -DSTANDARD=14)
  consumer(clang_shared find_package shared -DCOMPILER=${FU_CLANG})
endif()
if(FU_PKG_CONFIG)
  consumer(pkg_config_static pkg-config static)
  consumer(pkg_config_shared pkg-config shared)
endif()

add_test(NAME consume/exports COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:fu_shared> -DVERSION=${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  -DLIST=${PROJECT_SOURCE_DIR}/featup/api/exports.txt -DHEADER=${PROJECT_SOURCE_DIR}/featup/api/featup_c.h -P ${consume}/exports.cmake)

# The library built inside the user's project, which takes a minute or two on two cores; in one of our builds.
if(FU_REAL STREQUAL "float" AND NOT BUILD_SHARED_LIBS)
  consumer(add_subdirectory add_subdirectory static)
endif()
if(FU_CONSUME_ALL)
  consumer(fetch_shared fetch shared -DSTANDARD=20)
endif()

# The longest begin first: at the end nothing is left to run beside them.
set_tests_properties(consume/find_package_static PROPERTIES COST 100)
foreach(name consume/add_subdirectory consume/fetch_shared)
  if(TEST ${name})
    set_tests_properties(${name} PROPERTIES COST 200)
  endif()
endforeach()
