# What packages promise, for the shared library and the program as they would be packed. tools/package.sh checks the packages themselves.
set(packages ${CMAKE_CURRENT_LIST_DIR})
set(stage ${PROJECT_BINARY_DIR}/package-test/stage)
add_test(NAME packages/stage COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DSTAGE=${stage} -P ${packages}/stage.cmake)
set_tests_properties(packages/stage PROPERTIES FIXTURES_SETUP stage)
set(fu_package_library ${stage}/${CMAKE_INSTALL_LIBDIR}/libfeatup.so.${PROJECT_VERSION})
add_test(NAME packages/files COMMAND ${CMAKE_COMMAND} -DROOT=${stage} -DLIB=${CMAKE_INSTALL_LIBDIR} -DVERSION=${PROJECT_VERSION} -P ${packages}/files.cmake)
add_test(NAME packages/elf COMMAND ${CMAKE_COMMAND} "-DFILES=${stage}/bin/featup;${fu_package_library}" -DHARDENED=${FU_HARDENING}
  -DSOURCE=${PROJECT_SOURCE_DIR} -P ${packages}/elf.cmake)
set_tests_properties(packages/files packages/elf PROPERTIES FIXTURES_REQUIRED stage SKIP_REGULAR_EXPRESSION "^skipped: ")

# The bill of materials, which needs dpkg's and Ninja's records, and the same compiler and libraries as packages have.
find_program(FU_DPKG dpkg-query)
if(FU_DPKG AND FU_PYTHON AND CMAKE_GENERATOR STREQUAL "Ninja" AND FU_THREADS STREQUAL "pool")
  add_test(NAME packages/bill COMMAND ${CMAKE_COMMAND} -DPYTHON=${FU_PYTHON} -DBUILD=${PROJECT_BINARY_DIR} -DSTAGE=${stage}
    -DVERSION=${PROJECT_VERSION} -DOUT=${PROJECT_BINARY_DIR}/package-test/bill -P ${packages}/bill.cmake)
  set_tests_properties(packages/bill PROPERTIES FIXTURES_REQUIRED stage DEPENDS "packages/files;packages/elf")
else()
  message(STATUS "skipped: the test of the bill of materials wants dpkg, python3 and Ninja")
endif()

add_test(NAME packages/syscalls COMMAND ${packages}/syscalls.sh $<TARGET_FILE:featup> ${PROJECT_BINARY_DIR}/package-test/syscalls)
set_tests_properties(packages/syscalls PROPERTIES SKIP_RETURN_CODE 77)

# The container's commands, read as tools/container.sh runs them.
if(FU_PYTHON)
  add_test(NAME packages/container COMMAND ${FU_PYTHON} -B ${PROJECT_SOURCE_DIR}/tools/packages/dockerfile.py --list ${PROJECT_SOURCE_DIR}/Dockerfile)
endif()
