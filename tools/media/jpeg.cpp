#include <turbojpeg.h>

#include <memory>

#include "tools/media/decoders.h"

namespace fu {

Image read_jpeg(const MappedFile& file) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  require<FileError>(decoder != nullptr, file.path(), ": no memory to decode it.");
  const auto size = static_cast<unsigned long>(file.size());
  const auto reason = [&] {
    const std::string text = tjGetErrorStr2(decoder.get());
    return text == "No error" ? std::string("there is no whole header in it") : text;
  };
  int w = 0, h = 0, sampling = 0, colors = 0;
  require<FileError>(
      tjDecompressHeader3(decoder.get(), file.data(), size, &w, &h, &sampling, &colors) == 0 && w > 0 && h > 0,
      file.path(), ": is damaged: ", printable(reason()), ".");
  check_size(file, w, h, 3);
  require<FileError>(colors != TJCS_CMYK && colors != TJCS_YCCK, file.path(),
                     ": is a CMYK JPEG, made for print. Save it as RGB.");
  Image image{h, w, {}};
  image.rgb.resize(usize(Index{w} * h * 3));
  const int failed = tjDecompress2(decoder.get(), file.data(), size, image.rgb.data(), w, 0, h, TJPF_RGB,
                                   TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  // A warning means that data is missing or damaged, and that the decoder put grey in its place.
  require<FileError>(failed == 0, file.path(), ": cannot be decoded: ", printable(reason()),
                     ". It is cut off or damaged; a viewer may be able to save it anew.");
  return image;
}

}  // namespace fu
