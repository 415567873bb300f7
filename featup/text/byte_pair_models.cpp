#include "featup/text/byte_pair_models.h"

#include <array>
#include <cstdio>

#include "featup/text/unicode.h"

namespace fu {

namespace {

bool stands_for_itself(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

class PairModel : public PieceModel {
 public:
  PairModel(Vocabulary vocabulary, const Merges::Pairs& merges, MergeOrder order, const std::string& owner)
      : vocabulary_(std::move(vocabulary)), merges_(vocabulary_, merges, order, owner) {}
  Index pieces() const override { return static_cast<Index>(vocabulary_.size()); }
  Index find(const std::string& piece) const override { return vocabulary_.find(piece); }

 protected:
  Vocabulary vocabulary_;
  Merges merges_;
};

class ByteModel : public PairModel {
 public:
  ByteModel(Vocabulary vocabulary, const Merges::Pairs& merges, MergeOrder order, const std::vector<std::string>& whole,
            const std::string& owner)
      : PairModel(std::move(vocabulary), merges, order, owner) {
    for (unsigned b = 0; b < 256; ++b) {
      std::string piece;
      append_utf8(character_of_byte(static_cast<unsigned char>(b)), piece);
      inside_[b] = vocabulary_.at(piece, owner);
      last_[b] = vocabulary_.at(piece + kWordEnd, owner);
    }
    for (const std::string& piece : whole) whole_.emplace_back(decode_utf8(piece), vocabulary_.at(piece, owner));
  }

  void encode(std::u32string_view word, std::size_t most, std::vector<Index>& out) const override {
    for (const auto& [text, symbol] : whole_)
      if (word == text) return out.push_back(symbol);
    const std::string bytes = encode_utf8(word);
    std::vector<Symbol> symbols;
    symbols.reserve(bytes.size());
    for (const char c : bytes) symbols.push_back(inside_[static_cast<unsigned char>(c)]);
    symbols.back() = last_[static_cast<unsigned char>(bytes.back())];
    merges_.apply(symbols, most, out);
  }

 private:
  std::array<Symbol, 256> inside_{}, last_{};
  std::vector<std::pair<std::u32string, Symbol>> whole_;
};

class CharacterModel : public PairModel {
 public:
  CharacterModel(Vocabulary vocabulary, const Merges::Pairs& merges, const std::string& owner)
      : PairModel(std::move(vocabulary), merges, MergeOrder::lowest, owner) {
    for (unsigned b = 0; b < 256; ++b) {
      char piece[8];
      std::snprintf(piece, sizeof piece, "<0x%02X>", b);
      bytes_[b] = vocabulary_.at(piece, owner);
    }
  }

  void encode(std::u32string_view word, std::size_t most, std::vector<Index>& out) const override {
    std::vector<Symbol> symbols;
    symbols.reserve(word.size());
    std::string character;
    for (const char32_t c : word) {
      character.clear();
      append_utf8(c, character);
      const Symbol s = vocabulary_.find(character);
      if (s >= 0) {
        symbols.push_back(s);
      } else {
        for (const char byte : character) symbols.push_back(bytes_[static_cast<unsigned char>(byte)]);
      }
    }
    merges_.apply(symbols, most, out);
  }

 private:
  std::array<Symbol, 256> bytes_{};
};

}  // namespace

const std::vector<unsigned char>& bytes_in_order() {
  static const std::vector<unsigned char> order = [] {
    std::vector<unsigned char> bytes;
    for (const bool itself : {true, false})
      for (unsigned b = 0; b < 256; ++b)
        if (stands_for_itself(b) == itself) bytes.push_back(static_cast<unsigned char>(b));
    return bytes;
  }();
  return order;
}

char32_t character_of_byte(unsigned char byte) {
  if (stands_for_itself(byte)) return byte;
  char32_t before = 0;  // others that are smaller
  for (unsigned b = 0; b < byte; ++b) before += !stands_for_itself(b);
  return 0x100 + before;
}

std::shared_ptr<const PieceModel> make_byte_model(Vocabulary vocabulary, const Merges::Pairs& merges, MergeOrder order,
                                                  const std::vector<std::string>& whole, const std::string& owner) {
  return std::make_shared<ByteModel>(std::move(vocabulary), merges, order, whole, owner);
}

std::shared_ptr<const PieceModel> make_character_model(Vocabulary vocabulary, const Merges::Pairs& merges,
                                                       const std::string& owner) {
  return std::make_shared<CharacterModel>(std::move(vocabulary), merges, owner);
}

}  // namespace fu
