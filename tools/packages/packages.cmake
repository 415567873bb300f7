# What is installed beside the program and the library, and how cpack makes packages of it. tools/package.sh makes both kinds and
# checks them; `cpack -G DEB` in a build folder packs what that build installs.

# The manual page and the completions are what the program prints, so it must run here.
set(fu_doc ${CMAKE_INSTALL_DATAROOTDIR}/doc/featup)
if(TARGET featup AND NOT CMAKE_CROSSCOMPILING AND NOT FU_SANITIZE)
  find_program(FU_GZIP gzip)
  set(manual ${PROJECT_BINARY_DIR}/manual)
  file(MAKE_DIRECTORY ${manual})
  # fu_printed(FILE FOLDER ARGUMENT...): what `featup ARGUMENT...` prints, as share/FOLDER/FILE.
  function(fu_printed file folder)
    add_custom_command(OUTPUT ${manual}/${file} COMMAND featup ${ARGN} > ${manual}/${file} DEPENDS featup VERBATIM)
    install(FILES ${manual}/${file} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/${folder} COMPONENT manual)
    set(printed ${printed} ${manual}/${file} PARENT_SCOPE)
  endfunction()
  fu_printed(featup bash-completion/completions completion bash)
  fu_printed(_featup zsh/vendor-completions completion zsh)
  fu_printed(featup.fish fish/vendor_completions.d completion fish)
  if(FU_GZIP)  # without the time of its making
    add_custom_command(OUTPUT ${manual}/featup.1.gz COMMAND featup man > ${manual}/featup.1 COMMAND ${FU_GZIP} -9nf ${manual}/featup.1
      DEPENDS featup VERBATIM)
    add_custom_command(OUTPUT ${manual}/changelog.gz COMMAND ${FU_GZIP} -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md > ${manual}/changelog.gz
      DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md VERBATIM)
    install(FILES ${manual}/featup.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT manual)
    install(FILES ${manual}/changelog.gz DESTINATION ${fu_doc} COMPONENT manual)
    list(APPEND printed ${manual}/featup.1.gz ${manual}/changelog.gz)
  endif()
  add_custom_target(fu_manual ALL DEPENDS ${printed})
  install(FILES LICENSE NOTICE ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${fu_doc} COMPONENT manual)
  install(FILES tools/examples/c/camera.c tools/examples/c/camera.cpp DESTINATION ${fu_doc}/examples COMPONENT manual)
  # What bill.py says of this build, where it was asked.
  install(DIRECTORY ${PROJECT_BINARY_DIR}/bill/ DESTINATION ${fu_doc} COMPONENT bill OPTIONAL)
endif()

set(CPACK_PACKAGE_VENDOR "The authors of featup")
set(CPACK_PACKAGE_CONTACT "The authors of featup")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION "A vision model turns a photo into a coarse grid of feature vectors. FeatUp makes that grid as fine as the
photo. This package has the program featup, which needs no weights to begin with, and the library
libfeatup with its headers, for C and C++.")
set(CPACK_SYSTEM_NAME ${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_STRIP_FILES ON)
# The mode of folders, whatever the umask of who packs.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "pkg-config, libeigen3-dev")
include(CPack)
