// The forward pass of a vision transformer, for vit_inference.cpp and vit_training.cpp, which instantiate it.
#pragma once

#include <cmath>

#include "core/ops/resample.h"
#include "featup/backbones/vit.h"

namespace fu {

/// Positions of the prefix tokens and of a grid of rows x cols patches: (1, prefix_positions + rows*cols, dim).
template <class X>
X Vit::positions(Index rows, Index cols) const {
  const VitConfig& c = config_;
  const X stored = as<X>(pos_embed_);
  if (rows == c.grid && cols == c.grid) return stored;
  const auto axis = [&](Index n) {
    const auto from = static_cast<double>(c.grid), to = static_cast<double>(n);
    switch (c.positions) {
      // That code adds 0.1 to the target grid and passes the ratio as the scale, so samples lie that much closer
      // together.
      case PositionRule::dino: return bicubic_axis(c.grid, n, from / (to + 0.1));
      case PositionRule::size: return bicubic_axis(c.grid, n, from / to);
      case PositionRule::aa: return antialiased_bicubic_axis(c.grid, n);
    }
    return bicubic_axis(c.grid, n, from / to);
  };
  const Index first = c.prefix_positions;
  const X patches = reshape(slice(stored, 1, first, first + c.grid * c.grid), {1, c.grid, c.grid, c.dim});
  const X resized = reshape(resample(patches, axis(rows), axis(cols)), {1, rows * cols, c.dim});
  if (first == 0) return resized;
  return concat(std::initializer_list<X>{slice(stored, 1, 0, first), resized}, 1);
}

/// Tokens with positions: (B, prefix + registers + patches, dim).
template <class X>
X Vit::embed(const X& image) const {
  const VitConfig& c = config_;
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= c.patch && image.dim(2) >= c.patch &&
                          image.dim(1) % c.patch == 0 && image.dim(2) % c.patch == 0,
                      "[vit] image ", image.shape(), " for patches of ", c.patch,
                      ": must be (B,H,W,3) with H and W multiples of ", c.patch, ".");
  const NameScope scope("embed");
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  X patches = reshape(patch_embed_.proj(image), {b, rows * cols, c.dim});
  std::vector<X> parts;
  const auto add_head = [&](const X& position) {
    if (c.prefix == 0) return;
    X head = as<X>(cls_token_);
    if (c.prefix == 2) head = concat(std::initializer_list<X>{head, as<X>(dist_token_)}, 1);
    if (c.prefix_positions > 0) head = head + slice(position, 1, 0, c.prefix);
    parts.push_back(expand(head, {b, c.prefix, c.dim}));
  };
  if (c.grid > 0) {
    const X position = positions<X>(rows, cols);
    patches = patches + slice(position, 1, c.prefix_positions, c.prefix_positions + rows * cols);
    add_head(position);
  } else {
    add_head(X());
  }
  if (c.registers > 0) parts.push_back(expand(as<X>(register_tokens_), {b, c.registers, c.dim}));
  parts.push_back(patches);
  const X all = parts.size() == 1 ? patches : concat(parts, 1);
  return norm_pre_ ? (*norm_pre_)(all) : all;
}

template <class X>
X Vit::tokens(const X& image, Index blocks, const Progress& progress) const {
  const VitConfig& c = config_;
  X x = embed(image);
  RotaryAngles turned;
  if (c.rotary) turned = angles(image.dim(1) / c.patch, image.dim(2) / c.patch);
  const NameScope scope("blocks");
  for (Index i = 0; i < blocks; ++i) {
    if (progress) progress(static_cast<double>(i) / static_cast<double>(c.depth));
    x = run(*blocks_.list[usize(i)], std::move(x), c.rotary ? &turned : nullptr);
  }
  return x;
}

/// Queries (part 0), keys (1) or values (2) of the patches in a block that is given the tokens x.
template <class X>
X Vit::facet(const X& x, const TransformerBlock& block, Index part, Index rows, Index cols) const {
  const VitConfig& c = config_;
  const Index b = x.dim(0), skip = tokens_before_patches();
  const X all = slice(block.attn.projections(block.norm1(x)), 2, part * c.dim, (part + 1) * c.dim);
  // Channels interleaved as (head size, heads): the published extractors' order.
  const X by_head = reshape(slice(all, 1, skip, skip + rows * cols), {b, rows * cols, c.heads, c.dim / c.heads});
  return reshape(permute(by_head, {0, 1, 3, 2}), {b, rows, cols, c.dim});
}

template <class X>
X Vit::attention_from_class(const X& x, const TransformerBlock& block, Index rows, Index cols) const {
  const VitConfig& c = config_;
  const Index b = x.dim(0), n = x.dim(1), d = c.dim / c.heads, skip = tokens_before_patches();
  RotaryAngles turned;
  if (c.rotary) turned = angles(rows, cols);
  const X all = block.attn.projections(block.norm1(x), c.rotary ? &turned : nullptr);
  const X query = reshape(slice(slice(all, 1, 0, 1), 2, 0, c.dim), {b, c.heads, 1, d});
  const X keys = permute(reshape(slice(all, 2, c.dim, 2 * c.dim), {b, n, c.heads, d}), {0, 2, 3, 1});
  const real scale = static_cast<real>(1 / std::sqrt(static_cast<double>(d)));
  const X weights = softmax(unary(Unary::affine, matmul(query, keys), scale), 3);  // (B, heads, 1, n)
  const X patches = reshape(slice(weights, 3, skip, n), {b, c.heads, rows * cols});
  return reshape(permute(patches, {0, 2, 1}), {b, rows, cols, c.heads});
}

template <class X>
X Vit::features(const X& image, VitFeature feature, Index layer, const Progress& progress) const {
  const VitConfig& c = config_;
  require<UsageError>(layer >= 0 && layer <= c.depth, "[vit] layer ", layer, ": there are ", c.depth,
                      " blocks; they count from 1.");
  const bool texts = feature == VitFeature::clip || feature == VitFeature::maskclip || feature == VitFeature::image;
  require<UsageError>(!texts || projection_ || (pool_ && feature != VitFeature::clip),
                      "[vit] has no projection to the space of texts, which this feature ends with.");
  const bool of_class = feature == VitFeature::cls || feature == VitFeature::attention;
  require<UsageError>(c.prefix > 0 || (!of_class && (feature != VitFeature::image || pool_)),
                      "[vit] has no class token, which this feature is made from.");
  const Index last = layer > 0 ? layer : c.depth, skip = tokens_before_patches();
  const bool inside = feature == VitFeature::key || feature == VitFeature::query || feature == VitFeature::value ||
                      feature == VitFeature::attention || feature == VitFeature::value_path ||
                      (feature == VitFeature::maskclip && !pool_);
  const X x = tokens(image, inside ? last - 1 : last, progress);
  const TransformerBlock& block = *blocks_.list[usize(last - 1)];
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch, end = skip + rows * cols;
  const auto map = [&](const X& y) { return reshape(y, {b, rows, cols, y.dim(2)}); };
  const auto patches = [&] { return slice(x, 1, skip, end); };
  switch (feature) {
    case VitFeature::token: return map(norm_(patches()));
    case VitFeature::clip: return map((*projection_)(norm_(patches())));
    case VitFeature::cls: return reshape(norm_(slice(x, 1, 0, 1)), {b, 1, 1, c.dim});
    case VitFeature::image:
      if (pool_) return reshape(pool_->pooled(norm_(x)), {b, 1, 1, c.dim});
      return reshape((*projection_)(norm_(slice(x, 1, 0, 1))), {b, 1, 1, c.projection});
    case VitFeature::query: return facet(x, block, 0, rows, cols);
    case VitFeature::key: return facet(x, block, 1, rows, cols);
    case VitFeature::value: return facet(x, block, 2, rows, cols);
    case VitFeature::attention: return attention_from_class(x, block, rows, cols);
    case VitFeature::value_path:
    case VitFeature::maskclip: break;
  }
  if (pool_ && feature == VitFeature::maskclip) return map(pool_->value_path(norm_(patches())));
  const X all = block.attn.projections(block.norm1(patches()));
  const X path = norm_(block.attn.proj(slice(all, 2, 2 * c.dim, 3 * c.dim)));
  return map(feature == VitFeature::maskclip ? (*projection_)(path) : path);
}

}  // namespace fu
