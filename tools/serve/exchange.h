// A request over HTTP and its answer, as plain data: what answers knows nothing of sockets.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace fu {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method, path;                        // "POST", "/v1/upsample"
  HttpFields query;                                // decoded, in the order given
  std::string host, origin, content_type, accept;  // headers; empty where there was none
  std::string body;
};

struct HttpAnswer {
  int status = 200;
  std::string type;  // of the body
  std::string body;
  HttpFields headers;  // beside the type
  /// What a browser lets the answer do (Content-Security-Policy): nothing.
  std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
};

/// In one line. Status 503 also says when to come again: after a second.
HttpAnswer json_answer(int status, const nlohmann::ordered_json& json);
/// {"error": text}
HttpAnswer error_answer(int status, const std::string& text);

/// A text of the program about its options, for whoever gives them as parameters: "--size 0" becomes "size 0".
std::string without_dashes(std::string text);

}  // namespace fu
