// The page at /, for people: what the server answers, and how to ask it.
#pragma once

#include <string>

namespace fu {

/// rows: of the table of paths, as HTML.
std::string start_page(const std::string& rows);

}  // namespace fu
