// Text encoders on tensors. A program that calls only this one links no tape.
#include "featup/text/text_forward.h"

namespace fu {

template Tensor TextTransformer::features(const TokenIds& texts) const;

}  // namespace fu
