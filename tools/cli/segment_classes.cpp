#include "tools/cli/segment_classes.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "featup/classes/probe_classes.h"
#include "tools/cli/parse.h"

namespace fu {

namespace {

constexpr std::size_t kLikely = 5;  // classes of a photo, if none are chosen

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

/// "281-285" or "281": the numbers of it; none if it is neither.
std::vector<Index> numbers_in(const std::string& text, Index classes) {
  const std::size_t dash = text.find('-');
  // What is beyond the classes counts as one too many: the caller refuses it.
  const auto number = [classes](const std::string& digits) {
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return Index{-1};
    if (digits.find_first_not_of('0') == std::string::npos) return Index{0};
    const Index n = parse_whole(digits, classes);
    return n > 0 ? n : classes;
  };
  const Index first = number(text.substr(0, dash)),
              last = dash == std::string::npos ? first : number(text.substr(dash + 1));
  std::vector<Index> numbers;
  for (Index n = first; first >= 0 && n <= last; ++n) numbers.push_back(n);
  return numbers;
}

/// Classes of that name: the whole name, or one of the names that it lists ("tabby, tabby cat").
std::vector<Index> numbers_of_name(const std::string& name, const std::vector<std::string>& names) {
  std::vector<Index> numbers;
  for (std::size_t i = 0; i < names.size(); ++i) {
    bool same = lower(names[i]) == lower(name);
    for (const std::string& one : split_words(names[i])) same = same || lower(one) == lower(name);
    if (same) numbers.push_back(static_cast<Index>(i));
  }
  return numbers;
}

std::vector<Index> chosen_numbers(const std::string& text, const Classes& all) {
  std::vector<Index> chosen;
  for (const std::string& part : split_words(text)) {
    std::vector<Index> numbers = numbers_in(part, all.size());
    if (numbers.empty()) numbers = numbers_of_name(part, all.names);
    require<UsageError>(!numbers.empty(), "--classes: '", part, "' is no class of the ", all.source,
                        ". Give numbers, ranges like 281-285, or names; --class-names FILE tells the names.");
    for (const Index n : numbers) {
      require<UsageError>(n < all.size(), "--classes: ", part, ": there are ", all.size(), " classes, from 0 to ",
                          all.size() - 1, ".");
      if (std::find(chosen.begin(), chosen.end(), n) == chosen.end()) chosen.push_back(n);
    }
  }
  return chosen;
}

/// Settings in words, without where each comes from: that may differ.
std::string without_sources(const std::string& settings) {
  std::string text;
  int depth = 0;
  for (const char c : settings) {
    depth += c == '(';
    if (depth == 0) text += c;
    depth -= c == ')';
  }
  return text;
}

void require_same_backbone(const Probe& probe, const std::string& path, const Backbone& backbone) {
  const std::string here = backbone.describe();  // of windows, followed by their size
  require<UsageError>(here.compare(0, probe.backbone.size(), probe.backbone) == 0, path, ": learned from features of ",
                      probe.backbone, "; --backbone is ", here, ".");
  const std::string settings = settings_text(backbone.settings());
  require<UsageError>(without_sources(settings) == without_sources(probe.settings), path,
                      ": learned from features with other settings: ", probe.settings, "; here ", settings, ".");
}

/// Whether a file holds vectors, not words.
bool holds_vectors(const std::string& path) {
  const std::string ending = lower(std::filesystem::path(path).extension().string());
  for (const char* one : {".safetensors", ".npy", ".npz", ".pt", ".pth", ".bin", ".ckpt"})
    if (ending == one) return true;
  return false;
}

}  // namespace

void ClassArgs::add(Command& app) {
  app.add_option("--text", text, "words or sentences, separated by commas; for CLIP and SigLIP");
  app.add_option("--words", words,
                 "a file of words, one in each line; or of their vectors, as `featup text` or another program writes "
                 "them: (channels,words) or (words,channels)");
  app.add_option("--probe", probe, "a probe that `featup probe train` made: of classes, or of numbers such as depth");
  app.add_flag("--head", head, "the classifier that is in the backbone's file: class activation maps");
  app.add_option("--classes", chosen,
                 "of the classifier's classes: numbers, ranges and names, like 281-285,sofa; default: the five most "
                 "likely ones")
      .needs("--head");
  app.add_option("--class-names", names, "a file with a name of the classifier's classes in each line").needs("--head");
  how.add(app);
  app.add_flag("!--forget-words", keeps_words,
               "neither read nor write the vectors of words in the file that is kept beside the backbone's weights");
}

void ClassArgs::check() const {
  require<UsageError>(
      !text.empty() + !words.empty() + !probe.empty() + head == 1,
      "segment wants its classes from one place. Give one of --text \"cat, sofa\", --words FILE, --probe "
      "FILE and --head.");
}

ChosenClasses::ChosenClasses(const ClassArgs& args, const FeatureArgs& source)
    : args_(args),
      weights_(source.backbone.name),
      options_(source.backbone.options()),
      in_parts_(source.tile > 0 || source.wanted_size() == "own") {
  args_.check();
  if (!args_.probe.empty()) {
    probe_ = std::make_unique<Probe>(read_probe(args_.probe));
    classes_ = classes_of(*probe_, "probe " + args_.probe);
  }
  if (!args_.head) return;
  require<UsageError>(source.features.empty(), "--features ", source.features,
                      ": --head takes the features of its own backbone.");
  require<UsageError>(source.backbone.name != "builtin",
                      "--head: the built-in backbone has no classifier. Give --backbone with weights that have one, of "
                      "DeiT, ViT, ResNet or ConvNeXt.");
  classifier_ = std::make_unique<Classifier>(weights_, options_);
  classes_ = classifier_->classes();
  if (!args_.names.empty()) {
    const std::vector<std::string> names = lines_of(args_.names);
    require<FileError>(static_cast<Index>(names.size()) == classes_.size(), args_.names, ": has ", names.size(),
                       " names, the classifier ", classes_.size(), " classes.");
    classes_.names = names;
  }
  if (!args_.chosen.empty()) numbers_ = chosen_numbers(args_.chosen, classes_);
}

void ChosenClasses::open(const Backbone* backbone, Index channels, Report& report, const CommonArgs& common) {
  if (probe_ && backbone) require_same_backbone(*probe_, args_.probe, *backbone);
  if (args_.head || probe_) {
    report["classes_from"] = classes_.source;
    return;
  }
  Words words;
  if (!args_.words.empty() && holds_vectors(args_.words)) {
    words = read_words(args_.words, channels);
  } else {
    require<UsageError>(weights_ != "builtin",
                        "the built-in backbone has no text encoder: words need a backbone with "
                        "one. Give --backbone with weights of CLIP or SigLIP, or --words with their vectors.");
    const std::vector<std::string> names = words_given(args_.text, args_.words);
    std::vector<std::string> cut;
    Index encoded = 0;
    words = encode_or_recall(args_.how.source(weights_, options_), names, args_.keeps_words, &cut, &encoded);
    report["words_encoded"] = encoded;
    if (!common.quiet) note_cut_words(cut);
    require<UsageError>(words.matrix.dim(0) == channels, "the words have ", words.matrix.dim(0),
                        " channels, the features ", channels,
                        ". Leave --feature out: texts can be compared with the "
                        "backbone's usual feature.");
  }
  classes_ = classes_of(words);
  report["classes_from"] = classes_.source;
}

/// The photo as the classifier sees it: as its features were made, unless that was in windows or at the photo's own
/// size.
Tensor ChosenClasses::whole_image(const PhotoFeatures& photo) const {
  Extent size = photo.in_size;
  if (in_parts_) size = input_extent(photo.views->photo(), InputSize(), classifier_->backbone()->patch());
  return photo.guide()(size.height, size.width);
}

Classes ChosenClasses::of(const PhotoFeatures& photo, std::vector<double>& probabilities) const {
  probabilities.clear();
  if (!args_.head) return classes_;
  if (!numbers_.empty()) return chosen_classes(classes_, numbers_);
  const Tensor logits = classifier_->logits(whole_image(photo));
  const real* const v = logits.data();
  std::vector<Index> numbers(usize(classes_.size()));
  std::iota(numbers.begin(), numbers.end(), Index{0});
  std::stable_sort(numbers.begin(), numbers.end(), [v](Index a, Index b) { return v[a] > v[b]; });
  const auto most = static_cast<double>(v[numbers.front()]);
  double sum = 0;
  for (const Index n : numbers) sum += std::exp(static_cast<double>(v[n]) - most);
  numbers.resize(std::min(numbers.size(), kLikely));
  for (const Index n : numbers) probabilities.push_back(std::exp(static_cast<double>(v[n]) - most) / sum);
  return chosen_classes(classes_, numbers);
}

std::vector<std::string> ChosenClasses::files() const {
  std::vector<std::string> all = args_.how.files();
  all.insert(all.end(), {args_.words, args_.names, args_.probe});
  if (!args_.text.empty() || !args_.words.empty()) all.push_back(kept_words_path(weights_));
  return all;
}

}  // namespace fu
