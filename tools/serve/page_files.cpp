#include "tools/serve/page_files.h"

#include "core/files/mapped_file.h"

namespace fu {

namespace {

struct PageFile {
  const char *name, *type;
};
constexpr PageFile kFiles[] = {
    {"index.html", "text/html; charset=utf-8"},
    {"page.css", "text/css"},
    {"page.js", "text/javascript"},
    {"library.js", "text/javascript"},
    {"worker.js", "text/javascript"},
    {"offline.js", "text/javascript"},
    {"featup.js", "text/javascript"},
    {"featup.wasm", "application/wasm"},
};

// What the page's workers may do: run its own scripts and the module, and load its own files. The page itself says in
// its text what it may do.
constexpr const char* kWorkers = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
constexpr const char* kPage = "frame-ancestors 'none'";

}  // namespace

PageFiles read_page_files(const std::string& folder) {
  PageFiles files;
  for (const auto& [name, type] : kFiles) {
    const MappedFile file(folder + "/" + name);
    HttpAnswer answer{200, type, std::string(reinterpret_cast<const char*>(file.data()), file.size()), {}};
    answer.policy = std::string(name) == "index.html" ? kPage : kWorkers;
    files.emplace(std::string("/page/") + name, std::move(answer));
  }
  files.emplace("/page/", files.at("/page/index.html"));
  files.emplace("/page", HttpAnswer{301, "text/plain", "", {{"Location", "/page/"}}});
  return files;
}

}  // namespace fu
