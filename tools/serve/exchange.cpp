#include "tools/serve/exchange.h"

namespace fu {

HttpAnswer json_answer(int status, const nlohmann::ordered_json& json) {
  HttpAnswer answer{
      status, "application/json", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", {}};
  if (status == 503) answer.headers.push_back({"Retry-After", "1"});
  return answer;
}

HttpAnswer error_answer(int status, const std::string& text) { return json_answer(status, {{"error", text}}); }

std::string without_dashes(std::string text) {
  for (std::size_t at = 0; (at = text.find("--", at)) != std::string::npos;) {
    const char next = at + 2 < text.size() ? text[at + 2] : ' ';
    if (next >= 'a' && next <= 'z')
      text.erase(at, 2);
    else
      at += 2;
  }
  return text;
}

}  // namespace fu
