// Files of results: what there is, whether it is whole, whether it is the same.
#pragma once

#include <map>
#include <set>
#include <string>

namespace fu::faults {

/// Content by name, relative to the folder.
using Files = std::map<std::string, std::string>;

std::string content_of(const std::string& path);
Files files_in(const std::string& folder);
/// Names of files and folders in a folder.
std::set<std::string> names_in(const std::string& folder);
/// Removes what is not in `names`.
void remove_others(const std::string& folder, const std::set<std::string>& names);

bool is_part(const std::string& name);
/// Whether a file has a beginning and its end, as its ending (.npy, .safetensors, .png, .html, .json) has it.
bool is_whole(const std::string& name, const std::string& content);
/// Whether both hold the same result: the same bytes, or of .safetensors the same tensors. Beside them a fit keeps the
/// seconds that it took, a training the command, and a network the scores at which it was stopped ("history").
bool same_result(const std::string& name, const std::string& a, const std::string& b);

}  // namespace fu::faults
