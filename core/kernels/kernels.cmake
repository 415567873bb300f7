# Compiles every kernel file once for each target of targets/targets.cmake, and those of matrix products for each variant, into
# a namespace of its own, and writes the
# list of targets for core/isa.cpp, which picks one when the program starts.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
set(kernel_targets "")
# What a variant compiles anew.
set(variant_sources gemm.cpp int8.cpp narrow.cpp targets/variant.cpp)
# GCC fuses multiplications and additions, which math.h counts on, with its expensive optimizations only.
set(kernel_quick -O1)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND kernel_quick -fexpensive-optimizations)
endif()
# Under sanitizers -O3 takes ten times as long to compile as -O1, and checks the same accesses.
set(kernel_level -O3)
if(FU_SANITIZE)
  set(kernel_level ${kernel_quick})
  if(FU_SANITIZE MATCHES "fuzzer")
    list(APPEND kernel_level -fno-sanitize=fuzzer-no-link)  # no kernel reads a file
  endif()
endif()

# What a target and a variant of one have in common.
function(fu_kernels name file condition)
  fu_objects(fu_kernels_${name} ${sources})
  set_target_properties(fu_kernels_${name} PROPERTIES CXX_VISIBILITY_PRESET hidden)  # never in a shared library's interface
  target_compile_definitions(fu_kernels_${name} PRIVATE FU_ISA=${name} FU_TARGET="core/kernels/targets/${file}")
  # -ffp-contract=fast: a*b+c may become one fused instruction. -Wno-psabi: the compiler warns that vector arguments are
  # passed in another way with other flags; no vector is passed from one file to another.
  target_compile_options(fu_kernels_${name} PRIVATE ${kernel_level} -ffp-contract=fast -fno-math-errno -fno-trapping-math
    -Wno-psabi ${ARGN})
  set(kernel_targets "${kernel_targets}FU_TARGET(${name}, ${condition})\n" PARENT_SCOPE)
endfunction()

function(fu_target name file processors condition)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "${processors}")
    set(sources ${kernel_sources})
    fu_kernels(${name} ${file} "${condition}" ${ARGN})
    set(kernel_targets "${kernel_targets}" PARENT_SCOPE)
  endif()
endfunction()

function(fu_variant name base file processors condition)
  # A compiler that is older than the instructions, or told to compile for another processor, makes a program without them.
  string(JOIN " " CMAKE_REQUIRED_FLAGS ${ARGN})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "${processors}")
    check_cxx_source_compiles("int main() { return 0; }" FU_COMPILES_${name} FAIL_REGEX "warning:")
  endif()
  if(FU_COMPILES_${name})
    list(TRANSFORM variant_sources PREPEND ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/ OUTPUT_VARIABLE sources)
    fu_kernels(${name} ${file} "${condition}" ${ARGN})
    target_compile_definitions(fu_kernels_${name} PRIVATE FU_BASE=${base})
    set(kernel_targets "${kernel_targets}" PARENT_SCOPE)
  endif()
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/targets/targets.cmake)
if(kernel_targets STREQUAL "")
  fu_target(generic generic.h ".*" [[true]])
endif()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/kernel_targets.def CONTENT "${kernel_targets}")
target_include_directories(fu_core PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
