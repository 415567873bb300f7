// The table of a variant: that of the target it is one of, with the kernels of the files that are compiled anew.
#include "core/kernels/declare.h"
#include "core/kernels/kernel_table.h"
#include "core/kernels/narrow.h"

#define FU_STRING2(x) #x
#define FU_STRING(x) FU_STRING2(x)

namespace fu {

namespace FU_BASE {
const Kernels& table();
}

namespace FU_ISA {

const Kernels& table() {
  static const Kernels kernels = [] {
    Kernels k = FU_BASE::table();
    k.isa = FU_STRING(FU_ISA);
    k.rounds_bf16 = multiplies_bf16(NarrowType::bf16);
    k.gemm_packed_size = gemm_packed_size;
    k.gemm_pack = gemm_pack;
    k.gemm_scratch = gemm_scratch;
    k.gemm = gemm;
    k.narrow_packed_size = narrow_packed_size;
    k.narrow_pack = narrow_pack;
    return k;
  }();
  return kernels;
}

}  // namespace FU_ISA

}  // namespace fu
