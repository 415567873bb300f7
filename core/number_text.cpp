#include "core/number_text.h"

#include <charconv>
#include <new>
#include <system_error>

namespace fu {

std::string number_text(double value, int digits) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr;
  return {text, end};
}

bool read_number(const std::string& text, double& value) {
  const char* const end = text.data() + text.size();
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  // Of long texts the standard library makes a copy.
  if (error == std::errc::not_enough_memory) throw std::bad_alloc();
  if (error != std::errc() || stop != end) return false;
  value = number;
  return true;
}

}  // namespace fu
