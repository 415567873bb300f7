#include "tools/cli/interrupt.h"

#include <signal.h>

namespace fu {

namespace {

volatile sig_atomic_t g_interrupted = 0;
void (*g_before)(int) = SIG_DFL;

void on_interrupt(int number) {
  g_interrupted = 1;
  signal(number, g_before);
}

}  // namespace

Interruptible::Interruptible() {
  g_interrupted = 0;
  g_before = signal(SIGINT, on_interrupt);
}
Interruptible::~Interruptible() { signal(SIGINT, g_before); }
bool Interruptible::interrupted() const { return g_interrupted != 0; }

}  // namespace fu
