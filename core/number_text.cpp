#include "core/number_text.h"

#include <charconv>
#include <new>
#include <system_error>

#ifndef __cpp_lib_to_chars
#include <locale.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <locale>
#include <sstream>
#endif

namespace fu {

#ifdef __cpp_lib_to_chars

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

#else  // LLVM's standard library of 2022: <charconv> knows whole numbers alone

std::string number_text(double value, int digits) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text.precision(digits);
  text << value;
  return text.str();
}

bool read_number(const std::string& text, double& value) {
  static const locale_t classic = newlocale(LC_ALL_MASK, "C", locale_t{});
  if (classic == locale_t{}) throw std::bad_alloc();
  // strtod_l() also takes spaces, a plus and hexadecimal numbers.
  const std::size_t first = text.empty() || text[0] != '-' ? 0 : 1;
  const char c = first < text.size() ? text[first] : ' ';
  const bool digit = (c >= '0' && c <= '9') || c == '.', word = c == 'i' || c == 'I' || c == 'n' || c == 'N';
  if ((!digit && !word) || text.find_first_of("xX") != std::string::npos) return false;
  char* stop = nullptr;
  errno = 0;
  const double number = strtod_l(text.c_str(), &stop, classic);
  if (stop != text.c_str() + text.size()) return false;
  if (errno == ERANGE && (std::isinf(number) || number == 0)) return false;
  value = number;
  return true;
}

#endif

}  // namespace fu
