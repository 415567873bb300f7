// Text encoders on values that a tape records.
#include "autograd/ops.h"
#include "featup/text/text_forward.h"

namespace fu {

template Var TextTransformer::features(const TokenIds& texts) const;

}  // namespace fu
