// golden_check DIR...: runs every reference case of the folders, a line each with its largest error; exits 1 if one
// fails or is unknown.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "core/isa.h"
#include "tools/lab/golden.h"

int main(int argc, char** argv) {
  using Status = fu::GoldenResult::Status;
  if (argc < 2) {
    std::fprintf(stderr, "usage: golden_check DIR...\nRuns every .safetensors case of each folder.\n");
    return 2;
  }
  try {
    int passed = 0, failed = 0, skipped = 0, gradients = 0;
    std::printf("kernels: %s\n", fu::kernels().isa);
    for (int i = 1; i < argc; ++i)
      for (const std::string& path : fu::golden_files(argv[i])) {
        const std::string shared = (std::filesystem::absolute(argv[i]) / "..").lexically_normal().string();
        const fu::GoldenResult r = fu::run_golden(path, shared);
        const char* word = r.status == Status::passed    ? "ok"
                           : r.status == Status::skipped ? "skipped"
                           : r.status == Status::unknown ? "UNKNOWN"
                                                         : "FAILED";
        std::printf("%-8s %-44s %-22s", word, r.name.c_str(), r.op.c_str());
        if (r.status == Status::passed || (r.status == Status::failed && r.detail.empty()))
          std::printf(" error %.1e (<= %.0e)", r.error, r.tolerance);
        if (r.gradients) std::printf("  %d gradients %.1e (<= 1e-03)", r.gradients, r.gradient_error);
        if (!r.detail.empty()) std::printf("  %s", r.detail.c_str());
        std::printf("\n");
        passed += r.status == Status::passed;
        failed += r.status == Status::failed || r.status == Status::unknown;
        skipped += r.status == Status::skipped;
        gradients += r.gradients;
      }
    std::printf("%d passed, %d failed, %d skipped; %d gradients compared\n", passed, failed, skipped, gradients);
    return failed == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden_check: error: %s\n", error.what());
    return 1;
  }
}
