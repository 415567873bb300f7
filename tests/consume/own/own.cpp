// A user whose headers and types have the names of ours, and who looks at what the library says of itself.
#include <featup/core/tensor.h>
#include <featup/version.h>

#include <cstdio>
#include <cstring>
#include <type_traits>

#include "core/tensor.h"

static_assert(std::is_same<fu::real, CONSUME_REAL>::value, "the headers know how the library was built");
#ifdef CONSUME_STANDARD
static_assert(__cplusplus >= CONSUME_STANDARD, "the user's own choice of a later standard stands");
#endif

int main() {
  const Tensor own;
  const fu::Tensor ours = fu::Tensor::full({2, 3}, 7);
  std::printf("%d, %s of %zu bytes, featup %s\n", own.of_the_user, ours.shape().str().c_str(), sizeof(ours.data()[0]),
              fu::version());
  return ours.data()[5] == 7 && std::strcmp(fu::version(), FEATUP_VERSION) == 0 ? 0 : 1;
}
