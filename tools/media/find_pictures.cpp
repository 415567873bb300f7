#include <algorithm>
#include <filesystem>
#include <set>

#include "core/files/read_error.h"
#include "core/system.h"
#include "tools/media/image_folder.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path, bool arrays) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {".png", ".jpg", ".jpeg", ".bmp", ".tga", ".pbm", ".pgm", ".ppm"})
    if (extension == known) return true;
  return arrays && extension == ".npy";
}

class Search {
 public:
  Search(const std::string& folder, bool arrays) : folder_(folder), arrays_(arrays) {}

  FoundPictures run() {
    enter(folder_);
    // Links come after all folders that are reached without: a folder that is reached both ways keeps its own name.
    for (std::size_t i = 0; i < links_.size(); ++i) enter(links_[i]);
    std::sort(found_.paths.begin(), found_.paths.end());
    found_.left_out = left_out();
    return std::move(found_);
  }

 private:
  void enter(const fs::path& first);
  void look_at(const fs::directory_entry& entry);
  std::string left_out() const;

  const std::string& folder_;
  bool arrays_;
  FoundPictures found_;
  std::vector<fs::path> links_, below_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> entered_;
  std::size_t hidden_ = 0, others_ = 0, closed_ = 0, again_ = 0, dead_links_ = 0;
};

/// Searches a folder and those below it, without those behind links.
void Search::enter(const fs::path& first) {
  below_ = {first};
  while (!below_.empty()) {
    const fs::path folder = below_.back();
    below_.pop_back();
    const std::optional<os::FileFacts> facts = os::file_facts(folder.string());
    if (facts && !entered_.insert(facts->identity).second) {
      ++again_;
      continue;
    }
    std::error_code error;
    fs::directory_iterator it(folder, error), end;
    const bool left_out = error && folder != fs::path(folder_) && !is_of_machine(error.value());
    closed_ += left_out ? 1 : 0;
    for (; !error && it != end; it.increment(error)) look_at(*it);
    require<FileError>(!error || left_out, folder.string(), ": cannot be searched: ", error.message(), ".");
  }
}

void Search::look_at(const fs::directory_entry& entry) {
  std::error_code error;
  const fs::path& path = entry.path();
  if (path.filename().string().rfind("._", 0) == 0) {
    ++hidden_;
  } else if (entry.is_directory(error)) {
    (entry.is_symlink(error) ? links_ : below_).push_back(path);
  } else if (!entry.exists(error)) {
    ++dead_links_;
  } else if (entry.is_regular_file(error) && is_picture(path, arrays_)) {
    found_.paths.push_back(path.string());
  } else {
    ++others_;
  }
}

std::string Search::left_out() const {
  std::string text;
  const auto add = [&](std::size_t n, const char* one, const char* many) {
    if (n > 0) text += (text.empty() ? "" : ", ") + std::to_string(n) + (n == 1 ? one : many);
  };
  add(others_, " file that is no picture", " files that are no pictures");
  add(hidden_, " file of macOS (._*)", " files of macOS (._*)");
  add(dead_links_, " link to nothing", " links to nothing");
  add(again_, " folder that was searched before", " folders that were searched before");
  add(closed_, " folder that cannot be opened", " folders that cannot be opened");
  return text.empty() ? "" : folder_ + ": left out " + text;
}

}  // namespace

FoundPictures find_pictures(const std::string& folder, bool arrays) { return Search(folder, arrays).run(); }

}  // namespace fu
