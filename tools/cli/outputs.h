// Where results go: under which names, and never over an input.
#pragma once

#include <string>
#include <vector>

namespace fu {

/// The folder for results, "featup-out" if none is given; made if it is not there. To be called before any work: throws
/// FileError if no file can be made in it.
std::string output_folder(const std::string& given);
/// The file for a result: `given` if it names a file; NAME in it if it is a folder, or in "featup-out" if it is empty.
/// Folders that are missing are made. To be called before any work: throws FileError if it cannot be written.
/// "-" is standard output, and stays as it is; what the program prints goes to standard error then.
std::string output_file(const std::string& given, const std::string& name);
/// For a command that writes a result for each input: whether -o says "-", and what is printed goes to standard error.
/// throws OptionError for several inputs, FileError if standard output is closed.
bool goes_to_standard_output(const std::string& given, std::size_t inputs);
/// To be called before any work, with all files that it will write; empty names are none. throws FileError if one
/// cannot be written, UsageError if two are one.
void check_outputs(const std::vector<std::string>& files);
/// The file beside a result; empty if the result goes to standard output.
std::string with_extension(const std::string& path, const std::string& extension);
/// "FILE", or "FILE, picture PICTURE" if there is one.
std::string named_with_picture(const std::string& file, const std::string& picture);
/// File name without folder and extension; "stdin" for "-".
std::string input_stem(const std::string& path);
/// File name without folder and extension; of a fit (NAME.fit.safetensors), NAME.
std::string stem_of(const std::string& path);
/// throws UsageError if two inputs would write the same file. names: of their results, one for each.
void require_own_names(const std::vector<std::string>& inputs, const std::vector<std::string>& names);
/// File names without folder and extension. throws UsageError if two inputs would write the same file.
std::vector<std::string> output_stems(const std::vector<std::string>& inputs);
/// Makes the folder of a result, if its name has one. throws FileError.
void make_folder_of(const std::string& path);
/// To be called before any work, with the pictures that appear beside results without being named: throws UsageError
/// if there is a file of that name already that the program did not write. given: what -o says; empty: the program's
/// own folder, where nothing else is expected. Empty pictures are none.
void protect_pictures(const std::string& given, const std::vector<std::string>& pictures);
/// throws UsageError if an output is one of the files that are read; empty names are none.
void protect_inputs(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs);

}  // namespace fu
