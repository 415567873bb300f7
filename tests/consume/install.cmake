# Installs one kind of library into a prefix that is new, and the program once.
file(REMOVE_RECURSE ${PREFIX})
foreach(part ${KIND} program)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} --component ${part} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endforeach()
execute_process(COMMAND ${PREFIX}/bin/featup --version COMMAND_ERROR_IS_FATAL ANY)
