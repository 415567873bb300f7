#include "featup/builtin.h"

namespace fu {

// In a file that the build makes from featup/builtin/.
extern const unsigned char kBuiltinStack[];
extern const std::size_t kBuiltinStackSize;

Weights builtin_stack() { return Weights(std::make_shared<MappedFile>("built-in stack", kBuiltinStack, kBuiltinStackSize)); }

}  // namespace fu
