# The processors that kernels are compiled for, one line each. A later line is preferred where the processor runs both.
#   fu_target(NAME FILE PROCESSORS CONDITION FLAGS...)
# NAME: the namespace of its kernels, and what the environment variable FU_ISA calls it.  FILE: in this folder.
# PROCESSORS: a regular expression for CMAKE_SYSTEM_PROCESSOR; a processor that no line names gets generic.h.
#   fu_variant(NAME BASE FILE PROCESSORS CONDITION FLAGS...)
# The kernels of the target BASE, but matrix products compiled with FLAGS. NAME: BASE_WHAT. For instructions that nothing else gains from.
# CONDITION: C++ expression, true where the running processor has the instructions.  FLAGS: for the compiler.
set(x86 "^(x86_64|amd64|AMD64|x86|i[3-6]86)$")
set(x86_64 "^(x86_64|amd64|AMD64)$")
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  set(x86_64 "^$")  # wider targets count on 16 registers
endif()
fu_target(baseline x86_sse2.h ${x86} [[true]])
if(FU_TESTS)
  # For tests alone, so as quickly compiled as under sanitizers. The condition is avx2's, so that it is never the last.
  fu_target(wide x86_wide.h ${x86_64} [[FU_CPU_HAS("avx2") && FU_CPU_HAS("fma") && has_f16c()]] -mavx2 -mfma ${kernel_quick})
endif()
fu_target(avx2 x86_avx2.h ${x86_64} [[FU_CPU_HAS("avx2") && FU_CPU_HAS("fma") && has_f16c()]] -mavx2 -mfma -mf16c)
fu_variant(avx2_vnni avx2 x86_avx2.h ${x86_64} [[FU_CPU_HAS("avx2") && FU_CPU_HAS("fma") && has_f16c() && has_avx_vnni()]]
  -mavx2 -mfma -mf16c -mavxvnni)
set(avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
fu_target(avx512 x86_avx512.h ${x86_64} [[has_avx512()]] ${avx512})
fu_variant(avx512_vnni avx512 x86_avx512.h ${x86_64} [[has_avx512() && FU_CPU_HAS("avx512vnni")]] ${avx512} -mavx512vnni)
fu_variant(avx512_bf16 avx512 x86_avx512.h ${x86_64}
  [[has_avx512() && FU_CPU_HAS("avx512vnni") && FU_CPU_HAS("avx512bf16")]] ${avx512} -mavx512vnni -mavx512bf16)
fu_target(neon neon.h "^(aarch64|arm64|ARM64)$" [[true]])
fu_variant(neon_dot neon neon.h "^(aarch64|arm64|ARM64)$" [[has_neon_dot()]] -march=armv8.2-a+dotprod)
fu_variant(neon_bf16 neon neon.h "^(aarch64|arm64|ARM64)$" [[has_neon_dot() && has_neon_bf16()]]
  -march=armv8.2-a+dotprod+bf16)
fu_target(wasm wasm.h "^wasm32$" [[true]] -msimd128)
# The compiler keeps NEON of ARMv7 from numbers, since it takes denormals for zero, unless told that this is no matter. Of what else
# the option allows, sums in another order and reciprocals stay forbidden: math.h needs the order.
set(arm32 "^arm(v[78].*)?$")
fu_target(generic generic.h ${arm32} [[true]])
fu_target(neon32 neon32.h ${arm32} [[FU_CPU_HAS(neon_vfpv4)]] -mfpu=neon-vfpv4 -funsafe-math-optimizations -fno-associative-math
  -fno-reciprocal-math -fsigned-zeros)
