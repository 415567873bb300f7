#include "tools/serve/server_names.h"

#include <arpa/inet.h>

#include <algorithm>

namespace fu {

namespace {

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool all_digits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_loopback_address(const std::string& text) {
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return bytes[0] == 127;
  return inet_pton(AF_INET6, text.c_str(), bytes) == 1 && bytes[15] == 1 &&
         std::all_of(bytes, bytes + 15, [](unsigned char b) { return b == 0; });
}

std::string host_name(const std::string& header) {
  const bool brackets = !header.empty() && header[0] == '[';
  const std::size_t end = brackets ? header.find(']') : header.find(':');
  if (brackets && end == std::string::npos) return "";
  const std::string name = brackets ? header.substr(1, end - 1) : header.substr(0, end);
  const std::string rest = end == std::string::npos ? "" : header.substr(end + (brackets ? 1 : 0));
  if (!rest.empty() && (rest[0] != ':' || !all_digits(rest.substr(1)))) return "";
  return lower_case(name);
}

bool ServerNames::allow(const std::string& header) const {
  const std::string name = host_name(header);
  if (name.empty()) return false;
  if (name == lower_case(host) || name == "localhost") return true;
  if (std::any_of(others.begin(), others.end(), [&](const std::string& other) { return lower_case(other) == name; }))
    return true;
  return loopback ? is_loopback_address(name) : is_address(name);
}

bool is_own_origin(const std::string& origin, const std::string& header) {
  return lower_case(origin) == "http://" + lower_case(header);
}

}  // namespace fu
