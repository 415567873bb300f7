#include "tools/cli/errors.h"

#include <cstdio>
#include <new>

#include "core/files/bytes.h"

namespace fu {

namespace {

/// A phrase of the library's errors, and what the program adds to a message that holds it.
struct Remedy {
  const char* phrase;
  const char* option;
  const char* advice;
};

constexpr Remedy kRemedies[] = {
    {"would exceed the limit", "--max-memory", "Raise --max-memory."},
    {"needs a backbone", "--backbone", "The options are --backbone and --upsampler."},
    {"is a fit of other features", "--backbone", "The option is --backbone."},
    {"the fit has diverged", "--lr", "The option is --lr."},
    {"holds a network under way", "--steps", "The option is --steps."},
    {"could be read as", "--features-layout", "The option is --features-layout."},
    {"does not fit the shape of a photo", "--size", "Features of its middle: add --size HxW."},
    {"number of attention heads is not known", "--heads", "The option is --heads."},
    {"do not divide the width", "--heads", "The option is --heads."},
    {"mean and std belong together", "--mean", "The options are --mean and --std."},
    {"blocks; they count from 1", "--layer", "The option is --layer."},
    {"stages; they count from 1", "--layer", "The option is --layer."},
    {": has no feature '", "--feature ", "The option is --feature."},
    {"has no position embeddings; it rotates", "--positions", "The option is --positions."},
    {"is no probe: its metadata", "probe train", "featup probe train makes one."},
    {"is smaller than source", "--out-size", "The option is --out-size."},
};

}  // namespace

std::string with_remedy(const std::string& message) {
  for (const Remedy& r : kRemedies)
    if (message.find(r.phrase) != std::string::npos && message.find(r.option) == std::string::npos)
      return message + (message.empty() || message.back() == '.' ? " " : ". ") + r.advice;
  return message;
}

void print_error(const std::string& message) {
  constexpr std::size_t kLongest = 1000;
  std::string line = with_remedy(message.size() > kLongest ? message.substr(0, kLongest) + "..." : message);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  std::fprintf(stderr, "featup: error: %s\n", shown(line).c_str());
}

void print_failure(const std::exception& error) noexcept {
  try {
    if (!dynamic_cast<const std::bad_alloc*>(&error)) return print_error(error.what());
  } catch (const std::exception&) {
    // It is no memory now.
  }
  std::fputs("featup: error: out of memory. Ask for a smaller result.\n", stderr);
}

void print_note(const std::string& message) { std::fprintf(stderr, "featup: note: %s\n", shown(message).c_str()); }

}  // namespace fu
