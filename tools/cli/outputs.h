// Where results go: under which names, and never over an input.
#pragma once

#include <string>
#include <vector>

namespace fu {

/// The folder for results, "featup-out" if none is given; made if it is not there. throws FileError.
std::string output_folder(const std::string& given);
/// The file for a result: `given` if it names a file; NAME in it if it is a folder, or in "featup-out" if it is empty.
/// Folders that are missing are made. throws FileError.
std::string output_file(const std::string& given, const std::string& name);
/// To be called before any work. throws FileError if one of the two files cannot be written, UsageError if both are
/// one.
void check_outputs(const std::string& file, const std::string& picture);
std::string with_extension(const std::string& path, const std::string& extension);
/// File name without folder and extension; of a fit (NAME.fit.safetensors), NAME.
std::string stem_of(const std::string& path);
/// throws UsageError if two inputs would write the same file. names: of their results, one for each.
void require_own_names(const std::vector<std::string>& inputs, const std::vector<std::string>& names);
/// File names without folder and extension. throws UsageError if two inputs would write the same file.
std::vector<std::string> output_stems(const std::vector<std::string>& inputs);
/// Makes the folder of a result, if its name has one. throws FileError.
void make_folder_of(const std::string& path);
/// throws UsageError if an output is one of the files that are read; empty names are none.
void protect_inputs(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs);

}  // namespace fu
