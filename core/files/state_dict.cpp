#include "core/files/state_dict.h"

#include "core/files/bytes.h"

namespace fu {

namespace {

using Kind = PickleValue::Kind;

constexpr const char* kRootKeys[] = {"state_dict", "model",          "teacher",  "student", "model_state_dict",
                                     "encoder",    "target_encoder", "backbone", "ema",     "params"};
constexpr int kMostRoots = 2;                                  // one inside of the other
constexpr std::size_t kMaxNesting = 64, kMaxVisits = 1000000;  // of dictionaries, and of their items

class Finder {
 public:
  Finder(const Pickle& pickle, const std::string& path) : pickle_(pickle), path_(path) {}

  StateDict find() {
    const PickleValue& top = pickle_.result();
    if (top.kind == Kind::opaque) refuse(top);
    choose(top, 0);
    if (found_.tensors.empty()) fail();
    return std::move(found_);
  }

 private:
  [[noreturn]] void refuse(const PickleValue& opaque) const {
    throw FileError(path_ + ": its pickle names '" + pickle_.name_of(opaque) + "', " + kNotPartOfTensor + ".");
  }
  [[noreturn]] void fail() const;
  void refuse_objects(const PickleValue& v) const;
  void choose(const PickleValue& v, int roots);
  void collect(const PickleValue& v, const std::string& prefix, bool nested, std::size_t depth);

  const Pickle& pickle_;
  const std::string& path_;
  StateDict found_;
  std::size_t visits_ = 0;
};

/// A model that was saved as an object, under a root key.
void Finder::refuse_objects(const PickleValue& v) const {
  for (const char* key : kRootKeys) {
    const PickleValue* inner = pickle_.find(v, key);
    if (inner && inner->kind == Kind::opaque) refuse(*inner);
  }
}

void Finder::fail() const {
  std::string keys;
  for (const char* key : kRootKeys) keys += (keys.empty() ? "" : ", ") + std::string(key);
  throw FileError(path_ + ": holds no state_dict: no dictionary of tensors at the top, nor under " + keys + ".");
}

void Finder::choose(const PickleValue& v, int roots) {
  if (v.kind != Kind::dictionary) return;
  if (!v.module && roots < kMostRoots)
    for (const char* key : kRootKeys) {
      const PickleValue* inner = pickle_.find(v, key);
      if (!inner || inner->kind != Kind::dictionary || !inner->holds_tensor) continue;
      found_.root += (found_.root.empty() ? "" : ".") + std::string(key);
      return choose(*inner, roots + 1);
    }
  bool direct = false;
  for (std::size_t i = 1; i < v.items.size(); i += 2) direct = direct || pickle_.value(v.items[i]).kind == Kind::tensor;
  if (!direct) refuse_objects(v);
  collect(v, "", v.module || !direct, 0);
}

void Finder::collect(const PickleValue& v, const std::string& prefix, bool nested, std::size_t depth) {
  require<FileError>(depth <= kMaxNesting, path_, ": its dictionaries of tensors are absurdly deep.");
  for (std::size_t i = 0; i + 1 < v.items.size(); i += 2) {
    require<FileError>(++visits_ <= kMaxVisits, path_, ": its dictionaries of tensors have absurdly many items.");
    const PickleValue &key = pickle_.value(v.items[i]), &item = pickle_.value(v.items[i + 1]);
    if (key.kind != Kind::text) continue;
    const auto name = [&] { return prefix + std::string(key.text); };
    if (item.kind == Kind::tensor) found_.tensors.emplace_back(name(), v.items[i + 1]);
    if (item.kind == Kind::dictionary && nested && item.holds_tensor) collect(item, name() + ".", true, depth + 1);
    require<FileError>(
        item.kind != Kind::opaque || !item.holds_tensor, path_, ": tensor '", printable(name()), "' is built by '",
        item.kind == Kind::opaque ? pickle_.name_of(item) : std::string(),
        "', which is not known; nothing was executed. Save plain tensors (torch.save(model.state_dict(), "
        "path)).");
  }
}

}  // namespace

StateDict find_state_dict(const Pickle& pickle, const std::string& path) {
  if (pickle.result().kind != Kind::tensor) return Finder(pickle, path).find();
  StateDict alone;
  alone.tensors.emplace_back("tensor", pickle.result_ref());
  return alone;
}

}  // namespace fu
