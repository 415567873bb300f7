// What the rest of the program asks of the running processor, or tells it.
#pragma once

#if defined(__arm__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace fu {

// FU_CPU_HAS(feature): does it have the instructions? For the conditions of targets.cmake. Every builtin below asks the
// operating system too, which must save the registers.
#if defined(__x86_64__) || defined(__i386__)
#define FU_CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#elif defined(__arm__) && defined(__linux__)
/// NEON with fused multiply-add: of ARMv7, from Cortex-A5, A7 and A15 on, and every ARMv8 that runs 32-bit programs.
inline bool has_neon_vfpv4() {
  constexpr unsigned long kNeon = 1ul << 12, kVfpv4 = 1ul << 16;  // HWCAP_NEON, HWCAP_VFPv4
  return (getauxval(AT_HWCAP) & (kNeon | kVfpv4)) == (kNeon | kVfpv4);
}
#define FU_CPU_HAS(feature) has_##feature()
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
