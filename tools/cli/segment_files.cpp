#include "tools/cli/segment_files.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/files/weights.h"
#include "core/ops/resample.h"
#include "core/parallel.h"
#include "featup/classes/masks.h"
#include "featup/measure/class_colors.h"
#include "tools/cli/outputs.h"
#include "tools/media/heat_ramp.h"
#include "tools/media/image_io.h"
#include "tools/media/indexed_png.h"
#include "tools/media/legends.h"
#include "tools/media/pictures.h"
#include "tools/media/segment_page.h"
#include "tools/media/whole_file.h"

namespace fu {

namespace {

/// A class's name as part of a file's name: letters, digits and hyphens, at most 40.
std::string file_part(const std::string& name) {
  std::string part;
  for (const char c : name.substr(0, 40)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      part += c;
    else if (!part.empty() && part.back() != '-')
      part += '-';
  }
  while (!part.empty() && part.back() == '-') part.pop_back();
  return part.empty() ? "class" : part;
}

std::string numbered(Index number, Index of, const std::string& name) {
  std::string digits = std::to_string(number);
  const std::size_t width = std::to_string(of - 1).size();
  return std::string(width - std::min(width, digits.size()), '0') + digits + "-" + file_part(name);
}

/// Colours of all numbers of a label picture: the classes', then grey up to kNoClass, which is black.
Palette palette_of_labels(Index classes) {
  Palette palette;
  for (Index i = 0; i < kNoClass; ++i)
    palette.push_back(i < classes ? class_color(i) : std::array<unsigned char, 3>{128, 128, 128});
  palette.push_back({0, 0, 0});
  return palette;
}

}  // namespace

SegmentFiles::SegmentFiles(std::string base, const PhotoFeatures& photo, Extent size, const Classes& classes,
                           const SegmentOutputs& outputs)
    : base_(std::move(base)),
      labels_(base_ + ".labels.png"),
      photo_(photo),
      classes_(classes),
      outputs_(outputs),
      size_(size),
      whole_(size) {
  const Image& seen = photo.views->photo();
  if (photo.uncut && size.height == seen.height && size.width == seen.width)
    whole_ = {photo.uncut->height, photo.uncut->width}, top_ = photo.top, left_ = photo.left;
  make_folder_of(labels_);
  if (outputs_.scores) scores_ = Tensor({1, size.height, size.width, classes.size()});
}

std::vector<std::string> SegmentFiles::paths(const std::string& base, const SegmentOutputs& o) {
  const std::string data = o.format.safetensors ? ".safetensors" : ".npy";
  return {base + ".labels.png",    base + ".overlay.png", base + ".masks.json",    base + ".html",
          base + ".scores" + data, base + ".numbers.png", base + ".numbers" + data};
}

std::string SegmentFiles::extension() const { return outputs_.format.safetensors ? ".safetensors" : ".npy"; }

Index SegmentFiles::place_of(Index row, Index column) const {
  return std::clamp<Index>(row - top_, 0, size_.height - 1) * size_.width +
         std::clamp<Index>(column - left_, 0, size_.width - 1);
}

template <class T>
std::vector<T> SegmentFiles::placed(const std::vector<T>& values) const {
  if (whole_.height == size_.height && whole_.width == size_.width) return values;
  std::vector<T> all(usize(whole_.height * whole_.width));
  for (Index i = 0; i < whole_.height; ++i)
    for (Index j = 0; j < whole_.width; ++j) {
      all[usize(i * whole_.width + j)] = values[usize(place_of(i, j))];
    }
  return all;
}

void SegmentFiles::add(const ScorePlane& s) {
  const Index pixels = size_.height * size_.width, k = classes_.size();
  if (outputs_.scores)
    parallel_ranges(pixels, 4096, [&](Index begin, Index end) {
      for (Index p = begin; p < end; ++p) scores_.data()[p * k + s.number] = s.scores[p];
    });
  if (outputs_.html) add_to_page(s);
  if (!outputs_.heatmaps) return;
  std::vector<unsigned char> levels(usize(pixels));
  const double scale = s.high > s.low ? 255 / (s.high - s.low) : 0;
  parallel_ranges(pixels, 4096, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p)
      levels[usize(p)] = static_cast<unsigned char>((static_cast<double>(s.scores[p]) - s.low) * scale + 0.5);
  });
  const std::string& name = classes_.names[usize(s.number)];
  heatmaps_.push_back(base_ + ".heatmaps/" + numbered(s.number, k, name) + ".png");
  if (s.number == 0) make_folder_of(heatmaps_.back());
  const PngTexts texts = {{"Title", name}, {"Comment", cat("0 to 255: scores from ", s.low, " to ", s.high)}};
  const auto shared = std::make_shared<const std::vector<unsigned char>>(placed(levels));
  waiting_.push_back({heatmaps_.back(), [this, shared, texts] {
                        return encode_indexed_png(whole_.height, whole_.width, shared->data(), heat_palette(), texts);
                      }});
  constexpr std::size_t kWaitingBytes = std::size_t{32} << 20;
  if (waiting_.size() * usize(whole_.height * whole_.width) > kWaitingBytes) write_waiting();
}

/// Pictures are compressed side by side, and written one after another.
void SegmentFiles::write_waiting() {
  std::vector<std::string> files(waiting_.size());
  parallel_ranges(static_cast<Index>(waiting_.size()), 1, [&](Index begin, Index end) {
    for (std::size_t i = usize(begin); i < usize(end); ++i) files[i] = waiting_[i].encode();
  });
  for (std::size_t i = 0; i < files.size(); ++i) write_whole_file(waiting_[i].path, files[i]);
  waiting_.clear();
}

/// The class's scores, reduced to the size of the page.
void SegmentFiles::add_to_page(const ScorePlane& s) {
  const Index k = classes_.size(), pixels = size_.height * size_.width;
  const Extent size = segment_page_extent(size_, k);
  if (page_.size() == 0) page_ = Tensor({k, size.height, size.width});
  real* const to = page_.data() + s.number * size.height * size.width;
  if (size.height == size_.height && size.width == size_.width) {
    std::copy_n(s.scores, pixels, to);
    return;
  }
  Tensor plane({1, size_.height, size_.width, 1});
  std::copy_n(s.scores, pixels, plane.data());
  const Tensor reduced = resize_triangle(plane, size.height, size.width);
  std::copy_n(reduced.data(), reduced.size(), to);
}

/// The photo at the size of what is written.
Image SegmentFiles::picture() const {
  const bool is_whole = whole_.height != size_.height || whole_.width != size_.width;
  return is_whole ? *photo_.uncut : photo_.views->at(size_.height, size_.width);
}

void SegmentFiles::add_overlay(const Labels& labels) {
  Image image = picture();
  parallel_ranges(whole_.height * whole_.width, 4096, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      const unsigned char label = labels[usize(p)];
      if (label == kNoClass) continue;
      const auto color = class_color(label);
      for (std::size_t c = 0; c < 3; ++c) {
        unsigned char& v = image.rgb[usize(3 * p) + c];
        v = static_cast<unsigned char>((static_cast<int>(v) + color[c] + 1) / 2);
      }
    }
  });
  written_.push_back(base_ + ".overlay.png");
  std::vector<std::array<unsigned char, 3>> colors;
  for (Index k = 0; k < classes_.size(); ++k) colors.push_back(class_color(k));
  const auto shared = std::make_shared<const Image>(add_legend(fit_picture(image, 2048), classes_.names, colors));
  // In front: it takes the longest.
  waiting_.insert(waiting_.begin(), {written_.back(), [shared] {
                                       return encode_rgb_png(shared->height, shared->width, shared->rgb.data());
                                     }});
}

void SegmentFiles::write_masks(const Labels& labels, const LabelMap& map) {
  nlohmann::ordered_json json;
  json["images"] = {{{"id", 1}, {"height", whole_.height}, {"width", whole_.width}}};
  json["categories"] = json["annotations"] = nlohmann::json::array();
  for (Index k = 0; k < classes_.size(); ++k) {
    json["categories"].push_back({{"id", k}, {"name", classes_.names[usize(k)]}});
    Index area = 0, top = whole_.height, left = whole_.width, bottom = -1, right = -1;
    for (Index p = 0; p < whole_.height * whole_.width; ++p) {
      if (labels[usize(p)] != k) continue;
      const Index i = p / whole_.width, j = p % whole_.width;
      ++area, top = std::min(top, i), left = std::min(left, j), bottom = std::max(bottom, i),
              right = std::max(right, j);
    }
    if (area == 0) continue;
    nlohmann::ordered_json one = {{"id", json["annotations"].size() + 1},
                                  {"image_id", 1},
                                  {"category_id", k},
                                  {"area", area},
                                  {"bbox", {left, top, right - left + 1, bottom - top + 1}},
                                  {"score", map.classes[usize(k)].confidence},
                                  {"iscrowd", outputs_.masks == "rle" ? 1 : 0}};
    const auto number = static_cast<unsigned char>(k);
    if (outputs_.masks == "rle") {
      one["segmentation"] = {{"size", {whole_.height, whole_.width}},
                             {"counts", coco_counts(labels, whole_.height, whole_.width, number)}};
    } else {
      const Outlines outlines = outlines_of(labels, whole_.height, whole_.width, number);
      one["segmentation"] = outlines.outer;
      one["holes"] = outlines.holes;
    }
    json["annotations"].push_back(one);
  }
  written_.push_back(base_ + ".masks.json");
  write_whole_file(written_.back(), json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

/// (1,size,K) at its places in the picture: (1,whole,K).
Tensor SegmentFiles::placed_tensor(const Tensor& x) const {
  if (whole_.height == size_.height && whole_.width == size_.width) return x;
  const Index k = x.dim(3);
  Tensor all({1, whole_.height, whole_.width, k});
  for (Index i = 0; i < whole_.height; ++i)
    for (Index j = 0; j < whole_.width; ++j)
      std::copy_n(x.data() + place_of(i, j) * k, k, all.data() + (i * whole_.width + j) * k);
  return all;
}

std::string SegmentFiles::names() const {
  std::string names;
  for (const std::string& name : classes_.names) names += (names.empty() ? "" : "\n") + name;
  return names;
}

void SegmentFiles::write_scores() {
  written_.push_back(base_ + ".scores" + extension());
  write_features(written_.back(), placed_tensor(scores_), outputs_.format, {{"classes", names()}});
}

void SegmentFiles::finish_numbers(const Tensor& values, const std::string& unit, nlohmann::ordered_json& summary) {
  const Tensor all = placed_tensor(values);
  const Index k = all.dim(3), pixels = all.dim(1) * all.dim(2);
  std::vector<Image> pictures;
  for (Index i = 0; i < k; ++i) {
    Tensor one({all.dim(1), all.dim(2)});
    for (Index p = 0; p < pixels; ++p) one.data()[p] = all.data()[p * k + i];
    const auto [low, high] = std::minmax_element(one.data(), one.data() + pixels);
    summary["numbers"].push_back({{"name", classes_.names[usize(i)]}, {"unit", unit}, {"low", *low}, {"high", *high}});
    if (pictures.size() < 16) pictures.push_back(fit_picture(heat_picture(one), 2048));
  }
  written_ = {base_ + ".numbers" + extension(), base_ + ".numbers.png"};
  write_features(written_[0], all, outputs_.format, {{"outputs", names()}, {"unit", unit}});
  pictures.insert(pictures.begin(), fit_picture(picture(), 2048));
  write_png(written_[1], in_rows(pictures, 4));
  summary["outputs"] = written_;
}

void SegmentFiles::add_page(const std::vector<std::pair<std::string, std::string>>& settings) {
  const auto data = std::make_shared<SegmentPageData>();
  data->name = std::filesystem::path(base_).filename().string();
  data->photo = photo_.views->at(size_.height, size_.width);
  data->names = classes_.names;
  for (Index k = 0; k < classes_.size(); ++k) data->colors.push_back(class_color(k));
  data->scale = classes_.scale, data->bias = classes_.bias, data->sigmoid = classes_.kind == ScoreKind::sigmoid;
  data->activation = classes_.kind == ScoreKind::activation;
  data->least = outputs_.threshold;
  data->settings = settings;
  written_.push_back(base_ + ".html");
  waiting_.insert(waiting_.begin(),
                  {written_.back(), [data, planes = page_] {
                     // (K,h,w) -> (1,h,w,K)
                     data->scores = planes.permute({1, 2, 0}).reshape({1, planes.dim(1), planes.dim(2), planes.dim(0)});
                     return segment_page(*data);
                   }});
}

void SegmentFiles::finish(const LabelMap& map, const std::vector<double>& probabilities,
                          const std::vector<std::pair<std::string, std::string>>& settings,
                          nlohmann::ordered_json& summary) {
  const Labels labels = placed(map.labels);
  std::string legend;
  for (Index k = 0; k < classes_.size(); ++k)
    legend += (k > 0 ? "\n" : "") + std::to_string(k) + " " + classes_.names[usize(k)];
  add_overlay(labels);
  if (outputs_.html) add_page(settings);
  write_waiting();
  if (!outputs_.masks.empty()) write_masks(labels, map);
  if (outputs_.scores) write_scores();
  // Last: a run that looks for finished photos looks for this file.
  written_.insert(written_.begin(), labels_);
  write_indexed_png(labels_, whole_.height, whole_.width, labels.data(), palette_of_labels(classes_.size()),
                    {{"Title", "class of every pixel; 255: none"}, {"Classes", legend}});
  const double pixels = static_cast<double>(size_.height * size_.width);
  for (Index k = 0; k < classes_.size(); ++k) {
    const ClassShare& share = map.classes[usize(k)];
    nlohmann::ordered_json one = {{"number", k},
                                  {"name", classes_.names[usize(k)]},
                                  {"pixels", share.pixels},
                                  {"area", static_cast<double>(share.pixels) / pixels},
                                  {"confidence", share.confidence},
                                  {"low", share.low},
                                  {"high", share.high}};
    if (!probabilities.empty()) one["probability"] = probabilities[usize(k)];
    if (!heatmaps_.empty()) one["heatmap"] = heatmaps_[usize(k)];
    summary["classes"].push_back(one);
  }
  summary["outputs"] = written_;
}

}  // namespace fu
