// Fuzzing without libFuzzer: files of a corpus, and changed copies of them.
#pragma once

#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace fu::fuzz {

using Bytes = std::vector<unsigned char>;

Bytes read_file(const std::string& path);
/// The files in a folder, in the order of their names.
std::vector<Bytes> read_folder(const std::string& folder);

/// Runs the target on the seeds, then on `runs` changed copies of them, the same ones each time. Before each run the
/// input is written to the file that the environment variable FU_FUZZ_KEEP names, if it does: a finding ends the
/// process.
void run_changed(const Target& target, const std::vector<Bytes>& seeds, int runs);

}  // namespace fu::fuzz
