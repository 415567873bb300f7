// The page that computes in the browser (tools/web), as answers.
#pragma once

#include <map>
#include <string>

#include "tools/serve/exchange.h"

namespace fu {

/// Answers by path: "/page/" and all below it.
using PageFiles = std::map<std::string, HttpAnswer>;

/// Reads the page's files, and nothing else, from the folder that the WebAssembly build leaves them in. throws
/// FileError if one is missing.
PageFiles read_page_files(const std::string& folder);

}  // namespace fu
