// The forward pass of a vision transformer, for vit_inference.cpp and vit_training.cpp, which instantiate it.
#pragma once

#include "core/ops/resample.h"
#include "featup/backbones/vit.h"

namespace fu {

/// Positions of the prefix tokens and of a grid of rows x cols patches: (1, prefix + rows*cols, dim).
template <class X>
X Vit::positions(Index rows, Index cols) const {
  const VitConfig& c = config_;
  const X stored = as<X>(pos_embed_);
  if (rows == c.grid && cols == c.grid) return stored;
  // The code of both families adds 0.1 to the target grid and passes the ratio as the scale, so samples lie that much
  // closer together.
  const auto axis = [&](Index n) {
    return bicubic_axis(c.grid, n, static_cast<double>(c.grid) / (static_cast<double>(n) + 0.1));
  };
  const X patches = reshape(slice(stored, 1, c.prefix, c.prefix + c.grid * c.grid), {1, c.grid, c.grid, c.dim});
  const X resized = reshape(resample(patches, axis(rows), axis(cols)), {1, rows * cols, c.dim});
  return concat(std::initializer_list<X>{slice(stored, 1, 0, c.prefix), resized}, 1);
}

/// Tokens with positions: (B, prefix + registers + patches, dim).
template <class X>
X Vit::embed(const X& image) const {
  const VitConfig& c = config_;
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  const X position = positions<X>(rows, cols);
  const X patches =
      reshape(patch_embed_.proj(image), {b, rows * cols, c.dim}) + slice(position, 1, c.prefix, c.prefix + rows * cols);
  X head = as<X>(cls_token_);
  if (c.prefix == 2) head = concat(std::initializer_list<X>{head, as<X>(dist_token_)}, 1);
  head = head + slice(position, 1, 0, c.prefix);
  std::vector<X> parts{expand(head, {b, c.prefix, c.dim})};
  if (c.registers > 0) parts.push_back(expand(as<X>(register_tokens_), {b, c.registers, c.dim}));
  parts.push_back(patches);
  return concat(parts, 1);
}

template <class X>
X Vit::features(const X& image, VitFeature feature, const Progress& progress) const {
  const VitConfig& c = config_;
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= c.patch && image.dim(2) >= c.patch &&
                          image.dim(1) % c.patch == 0 && image.dim(2) % c.patch == 0,
                      "[vit] image ", image.shape(), " for patches of ", c.patch,
                      ": must be (B,H,W,3) with H and W multiples of ", c.patch, ".");
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  const Index skip = c.prefix + c.registers, end = skip + rows * cols;
  X x = embed(image);
  for (std::size_t i = 0; i < blocks_.list.size(); ++i) {
    const TransformerBlock& block = *blocks_.list[i];
    if (progress) progress(static_cast<double>(i) / static_cast<double>(blocks_.list.size()));
    if (feature == VitFeature::key && i + 1 == blocks_.list.size()) {
      const X keys = slice(slice(block.attn.qkv(block.norm1(x)), 2, c.dim, 2 * c.dim), 1, skip, end);
      // Channels interleaved as (head_dim, heads): the published extractors' order.
      const X by_head = reshape(keys, {b, rows * cols, c.heads, c.dim / c.heads});
      return reshape(permute(by_head, {0, 1, 3, 2}), {b, rows, cols, c.dim});
    }
    x = block(std::move(x));
  }
  return reshape(norm_(slice(x, 1, skip, end)), {b, rows, cols, c.dim});
}

}  // namespace fu
