# Installs what a package has from a build of the tests, into STAGE, which is new: the shared library, the program, its pages.
cmake_minimum_required(VERSION 3.22)
file(REMOVE_RECURSE ${STAGE})
foreach(part shared program manual)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --strip --prefix ${STAGE} --component ${part} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endforeach()
