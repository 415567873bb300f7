// Pictures in folders: links, what is left out, and the names of results.
#include "tests/process.h"
#include "tests/tools/program.h"
#include "tools/cli/arguments.h"
#include "tools/cli/labelled_photos.h"
#include "tools/media/image_folder.h"

using namespace fu;
using namespace fu::test;

namespace {

namespace fs = std::filesystem;

void put(const TempFolder& folder, const std::string& name) {
  fs::create_directories(fs::path(folder / name).parent_path());
  write_png(folder / name, render_scene(1, 32, 48).image);
}

/// Paths in the folder that was searched.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const std::string& path : find_pictures(folder).paths)
    names.push_back(fs::path(path).lexically_relative(folder).string());
  return names;
}

}  // namespace

TEST_CASE("folders of pictures: links are followed once, also where they lead back") {
  const TempFolder folder;
  put(folder, "real/a.png");
  put(folder, "data/sub/b.png");
  fs::create_directory_symlink("../real", folder / "data/class0");
  fs::create_directory_symlink("../real", folder / "data/class1");  // the same again
  fs::create_directory_symlink("..", folder / "data/sub/loop");     // back to data
  fs::create_directory_symlink("nowhere", folder / "data/dead");
  fs::create_directory_symlink("endless", folder / "data/endless");
  fs::create_symlink("sub/b.png", folder / "data/c.png");  // another name of a picture is one more
  CHECK(names_in(folder / "data") == std::vector<std::string>{"c.png", "class0/a.png", "sub/b.png"});
  CHECK(find_pictures(folder / "data").left_out ==
        folder / "data" + ": left out 2 links to nothing, 2 folders that were searched before");
  // The folder itself may be a link; what is reached without links keeps its own name.
  fs::create_directory_symlink("data", folder / "link");
  CHECK(names_in(folder / "link").size() == 3);
  fs::create_directory_symlink("sub", folder / "data/a_link_before_sub");
  CHECK(names_in(folder / "data")[2] == "sub/b.png");
  CHECK(contains(message_of([&] { find_pictures(folder / "none"); }), "cannot be searched: No such file"));
}

#ifndef FU_ADDRESS_SANITIZER
TEST_CASE("folders of pictures: a photo that the machine cannot read now is not left out") {
  const TempFolder folder;
  put(folder, "a.png");
  std::ofstream(folder / "broken.png") << "no picture";
  ImageFolder images({folder.path()}, {32, 32});
  std::string error;
  {
    const WithoutDescriptors none;
    error = message_of([&] { images.sample(0, false, Random(0)); });
  }
  CHECK(contains(error, "a.png: cannot be opened: Too many open files"));
  CHECK(images.unreadable() == 0);
  CHECK(images.sample(1, false, Random(0)).height == 32);  // in place of the broken one
  CHECK(images.unreadable() == 1);
}
#endif

TEST_CASE("folders of pictures: what is left out is counted") {
  const TempFolder folder;
  for (const char* name : {"a.png", "b.JPG", "d/c.pbm"}) put(folder, name);
  for (const char* name : {"._a.png", "d/._c.pbm", "notes.txt"}) std::ofstream(folder / name) << "x";
  CHECK(names_in(folder.path()).size() == 3);
  CHECK(find_pictures(folder.path()).left_out ==
        folder.path() + ": left out 1 file that is no picture, 2 files of macOS (._*)");
  FU_NEEDS_SHARED(shared);
  CHECK(names_in(shared + "/cases/apple_double") == std::vector<std::string>{"a.jpg"});
}

TEST_CASE("folders of pictures: results keep the folders below the one that was given") {
  const TempFolder folder;
  for (const char* name : {"in/a/x.png", "in/b/x.png", "in/y.png"}) put(folder, name);
  std::ofstream(folder / "in/notes.txt") << "x";
  for (const char* command : {"features", "upsample"}) {
    CAPTURE(command);
    const Outcome o = run(folder, command + std::string(" in -o ") + command + " --size 32 --json" +
                                      (command[0] == 'u' ? " --upsampler bilinear" : ""));
    CHECK(o.code == 0);
    CHECK(contains(o.err, "featup: note: in: left out 1 file that is no picture"));
    CHECK(contains(o.out, "\"left_out\""));
  }
  for (const char* name : {"features/a/x.lr.npy", "features/b/x.lr.npy", "features/y.lr.npy", "upsample/a/x.npy",
                           "upsample/a/x.png", "upsample/b/x.npy", "upsample/y.png"})
    CHECK(fs::exists(folder / name));
  CHECK(run(folder, "upsample in/ -o upsample --size 32 --upsampler bilinear --skip-finished --quiet").err == "");
  ShardArgs shard;
  shard.shard = "2/3";
  const ChosenInputs chosen = shard.choose({folder / "in/"});
  REQUIRE(chosen.names.size() == 1);
  CHECK(chosen.names[0] == "b/x");
  put(folder, "in/y.jpg");
  CHECK(contains(message_of([&] { ShardArgs().choose({folder / "in"}); }), "would both be written as 'y'"));
  CHECK(contains(message_of([&] {
                   ShardArgs().choose({folder / "in/a", folder / "in/b"});
                 }),
                 "would both be written as 'x'"));
}

TEST_CASE("folders of pictures: labels are found by path, else by name") {
  const TempFolder folder;
  for (const char* name :
       {"in/a/x.png", "in/b/x.png", "in/b/z.png", "labels/a/x.png", "labels/b/x.png", "labels/z.png"})
    put(folder, name);
  std::string left_out;
  const std::vector<LabelledPhoto> pairs = labelled_photos(folder / "in", folder / "labels", left_out);
  REQUIRE(pairs.size() == 3);
  CHECK(pairs[0].labels == folder / "labels/a/x.png");
  CHECK(pairs[1].labels == folder / "labels/b/x.png");
  CHECK(pairs[2].labels == folder / "labels/z.png");
  CHECK(pairs[1].stem == "b/x");
  CHECK(left_out.empty());
  fs::remove(folder / "labels/b/x.png");
  put(folder, "labels/c/x.png");
  CHECK(contains(message_of([&] { labelled_photos(folder / "in", folder / "labels", left_out); }),
                 "holds 2 labels of the name of"));
}
