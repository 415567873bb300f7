// Sleeping until a number in memory changes: std::atomic::wait of C++20, for C++17.
#pragma once

#include <atomic>
#include <cstdint>

namespace fu {

/// Sleeps while word == value. May return early: check again. No lock is taken, so a thread that the system has taken
/// off its core cannot make others wait for it here.
void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value);

/// Wakes up to n of the threads that sleep on the word. Change the word first.
void wake(std::atomic<std::uint32_t>& word, int n);

}  // namespace fu
