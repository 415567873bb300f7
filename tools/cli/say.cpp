#include "tools/cli/say.h"

#include <cstdarg>
#include <cstdio>
#include <string>

#include "core/files/bytes.h"

namespace fu {

namespace {

bool g_for_results = false;

}  // namespace

void keep_output_for_results() { g_for_results = true; }
std::FILE* output_for_text() { return g_for_results ? stderr : stdout; }

void say(const char* format, ...) {
  std::va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string text(length > 0 ? static_cast<std::size_t>(length) + 1 : 1, '\0');
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  text.pop_back();
  // Lines stay lines.
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    std::fputs(shown(text.substr(begin, end - begin)).c_str(), output_for_text());
    if (end == std::string::npos) return;
    std::fputc('\n', output_for_text());
    begin = end + 1;
  }
}

}  // namespace fu
