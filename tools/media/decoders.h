// The decoders behind read_image, one for each group of formats, and the limits that they share.
#pragma once

#include <string>
#include <vector>

#include "core/files/bytes.h"
#include "core/pool.h"
#include "featup/photo/preprocess.h"

namespace fu {

constexpr Index kMaxPixels = Index{1} << 28;

/// throws FileError for a picture of more than kMaxPixels, and for one of more than 2^26 pixels of which 100 share a
/// byte: no photo packs so well, and decoding would take seconds.
void check_pixels(const MappedFile& file, Index width, Index height);
/// The same, and throws FileError for one that so few bytes cannot hold: no format packs more than about 1100 values of
/// eight bits into a byte.
void check_size(const MappedFile& file, Index width, Index height, Index channels);

/// Memory that a decoder takes beside the pool, counted with the pool's for as long as this lives: so decoding keeps to
/// the memory limit. throws FileError that says how much the picture would take.
class DecodingMemory {
 public:
  DecodingMemory(const MappedFile& file, Index width, Index height, Index bytes);
  ~DecodingMemory() { pool_give(block_, bytes_); }
  DecodingMemory(const DecodingMemory&) = delete;
  DecodingMemory& operator=(const DecodingMemory&) = delete;

 private:
  std::size_t bytes_;
  void* block_ = nullptr;  // never touched: the system gives no page for it
};

/// A big-endian number of `bytes` bytes.
std::size_t read_be(const unsigned char* p, int bytes);

/// JPEG by libjpeg-turbo, in the same bits as Pillow.
Image read_jpeg(const MappedFile& file);
/// PGM and PPM, plain or raw, up to 16 bits. source: netpbm.sourceforge.net/doc/ppm.html
Image read_pnm(const MappedFile& file);
/// PNG, BMP and TGA by stb_image, laid over white. opacity: if not null and the picture has transparency, one byte a
/// pixel is put there.
Image read_stb(const MappedFile& file, std::vector<unsigned char>* opacity);

/// Checks the sums of a PNG's chunks, and that its data can hold its pixels. stb_image checks neither: damaged bytes
/// would become wrong pixels. throws FileError.
void check_png(const MappedFile& file);
/// Whether it begins as a PNG does, with its header.
bool is_png(const MappedFile& file);
/// Where that header says how many bits a sample has, and what the samples are: 0 grey, 2 colours, 3 of a palette.
constexpr std::size_t kPngBits = 24, kPngKind = 25;

}  // namespace fu
