// JsonEventReader: one JSON object becomes one row, straight from its bytes.
//
// Documents of one source look alike, so the reader remembers which key followed which: mostly the next key is known
// before it is read and costs one comparison of its raw bytes. Strings are scanned once and copied once; only those
// that hold a backslash are unescaped.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire/json_objects.h"
#include "wire/json_scan.h"
#include "wire/row_writer.h"

namespace clew::wire {

constexpr unsigned kDepthMax = 64;

// Threads:  one.
// Lifetime: `rows` outlives the reader.
// Usage:    rows.attach(...); for each document rows.begin_row(), read(), then rows.end_row(), or rows.abandon_row()
// when
//           it gave null. The document's bytes live until end_row().
class JsonEventReader {
 public:
  explicit JsonEventReader(RowWriter& rows);
  ~JsonEventReader();

  // Reads the object that begins at `p` and gives the place after it, or null: then error() and error_at() say what is
  // wrong. Fills the fields and `_shape`; an object over the limits keeps its text in `_raw` beside the fields read so
  // far, flagged kTruncated; one with two paths of the same dotted name keeps its text too.
  const char* read(const char* p, const char* end, Newlines newlines);
  const char* error() const { return error_; }
  const char* error_at() const { return error_at_; }

 private:
  struct Object;
  struct Key;
  struct Known;

  template <Newlines kNewlines>
  const char* members(const char* p, Object& object, unsigned depth);
  template <Newlines kNewlines>
  const char* value(const char* p, Key& key, const Object& object, unsigned depth);
  template <Newlines kNewlines>
  const char* nested(const char* p, Key& key, const Object& object, unsigned depth);
  template <Newlines kNewlines>
  Key* learn(const char*& p, Object& object);
  const char* array(const char* p, Key& key, const Object& object, unsigned depth, Newlines newlines);
  bool objects(std::string_view text, Key& key, const Object& object);
  const char* short_string(const char* p, Field* field);
  const char* known_string(const char* p, Key& key);
  const char* short_number(const char* p, Field* field);
  const char* number(const char* p, Field* field);
  void escaped_string(Field* field, std::string_view raw, unsigned seen);
  const char* keep_text(const char* begin, Newlines newlines);
  void drop_earlier(Key& key);
  void remove_values(Key& key);
  Field* field_of(Key& key, const Object& object);
  void note_bytes(std::string_view text, bool lone_surrogate);
  const char* fail(const char* at, const char* what);
  void write_shape();
  void build_shape(std::string& out) const;
  void forget_when_large();

  RowWriter& rows_;
  const char* end_ = nullptr;
  const char* error_ = nullptr;
  const char* error_at_ = nullptr;
  bool overflowed_ = false;
  uint64_t serial_ = 0;  // of the document
  size_t keys_count_ = 0;
  std::unique_ptr<Object> root_;
  ObjectsSplitter splitter_;
  std::vector<std::string> templates_;  // shapes of this document's arrays of objects
  // The document's outline: keys with what they were, see json_event.cc. Two documents with the same one share their
  // shape.
  std::vector<uint64_t> outline_;
  std::vector<uint64_t> last_outline_;
  std::string last_shape_;
  std::unordered_map<uint64_t, std::unique_ptr<Known>> known_;
  std::string scratch_;
  std::deque<std::string> kept_;  // unescaped texts that must live until end_row()
};

}  // namespace clew::wire
