// A value of a JSON file together with its place in it, so that every error names both.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base.h"
#include "core/error.h"

namespace fu {

/// Reading what is not there, or of another type, is a FileError: "tokenizer.json: 'model.vocab' is 3, expected an
/// object." A value keeps the file's content alive.
class JsonNode {
 public:
  /// throws FileError if the file cannot be read, is no JSON object, or is larger than a tokenizer's ever is.
  static JsonNode read(const std::string& path);

  bool is_there() const;  // and not null
  bool is_text() const;
  bool is_list() const;

  /// A field of an object; not there if the object has none of this name, or is itself not there.
  JsonNode find(const char* key) const;
  std::string text() const;
  std::string text(const std::string& otherwise) const;  // if it is not there
  bool flag(bool otherwise) const;
  Index integer() const;
  double number() const;
  /// Elements of a list; throws for anything else.
  std::size_t size() const;
  JsonNode operator[](std::size_t i) const;
  /// Names and values of an object; throws for anything else.
  void for_each(const std::function<void(const std::string&, const JsonNode&)>& f) const;

  /// "path: 'place' is VALUE, expected WHAT."
  FileError unexpected(const std::string& what) const;
  /// "path: 'place' WHAT"
  FileError bad(const std::string& what) const;
  /// "path: 'place'", for messages that go on.
  std::string title() const;
  const std::string& path() const;

 private:
  struct File;
  JsonNode(std::shared_ptr<const File> file, const void* value, std::string place)
      : file_(std::move(file)), value_(value), place_(std::move(place)) {}

  std::shared_ptr<const File> file_;
  const void* value_;  // of the JSON library, which stands in no header of ours; null: not there
  std::string place_;  // "model.vocab"
};

}  // namespace fu
