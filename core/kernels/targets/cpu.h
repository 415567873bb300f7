// What the rest of the program asks of the running processor, or tells it.
#pragma once

#if (defined(__arm__) || defined(__aarch64__)) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace fu {

// FU_CPU_HAS(feature): does it have the instructions? For the conditions of targets.cmake. Every builtin below asks the
// operating system too, which must save the registers.
#if defined(__x86_64__) || defined(__i386__)
#define FU_CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
inline bool has_avx512() {
  return FU_CPU_HAS("avx512f") && FU_CPU_HAS("avx512dq") && FU_CPU_HAS("avx512bw") && FU_CPU_HAS("avx512vl");
}
// What not every compiler has a name for. Both use the registers of AVX2, which a condition asks for too.
/// Conversion from f16: bit 29 of ECX, leaf 1.
inline bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 29 & 1) != 0;
}
/// VNNI for registers of 32 bytes: bit 4 of EAX, leaf 7, subleaf 1.
inline bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || eax < 1) return false;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 4 & 1) != 0;
}
#elif defined(__arm__) && defined(__linux__)
/// NEON with fused multiply-add: of ARMv7, from Cortex-A5, A7 and A15 on, and every ARMv8 that runs 32-bit programs.
inline bool has_neon_vfpv4() {
  constexpr unsigned long kNeon = 1ul << 12, kVfpv4 = 1ul << 16;  // HWCAP_NEON, HWCAP_VFPv4
  return (getauxval(AT_HWCAP) & (kNeon | kVfpv4)) == (kNeon | kVfpv4);
}
#define FU_CPU_HAS(feature) has_##feature()
#elif defined(__aarch64__) && defined(__linux__)
/// Products of four numbers of 8 bits: of ARMv8.2 and later, from Cortex-A55 and A75 on.
inline bool has_neon_dot() { return (getauxval(AT_HWCAP) & 1ul << 20) != 0; }  // HWCAP_ASIMDDP
/// Products of pairs of numbers in bf16: of Cortex-A510, A710 and Neoverse V1 and N2, and later.
inline bool has_neon_bf16() { return (getauxval(AT_HWCAP2) & 1ul << 14) != 0; }  // HWCAP2_BF16
#elif defined(__aarch64__)
inline bool has_neon_dot() { return false; }  // nobody to ask
inline bool has_neon_bf16() { return false; }
#endif

/// Tells the processor that the caller waits in a loop for memory to change.
inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace fu
