// JSON to protocol buffers by a table, so that a protocol with both forms needs one decoder. Follows the JSON mapping
// of proto3 as OTLP bends it: ids are hex, unknown members are passed over, names are camelCase or snake_case.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/intake.h"
#include "wire/json_cursor.h"

namespace clew::wire {

enum class JsonType : uint8_t {
  kText,  // numbers and booleans are taken as their text
  kHex,   // bytes as hex digits, or as base64 where they are none
  kBase64,
  kBool,
  kInt64,   // varint; a number or its text
  kUint32,  // varint
  kSint32,  // zigzag varint
  kFixed32,
  kFixed64,
  kSfixed64,
  kDouble,  // a number, its text, NaN, Infinity or -Infinity
  kEnum,    // a number or a name of `names`; other names are passed over
  kMessage,
  kTextMap,     // an object of texts, as map<string, string>
  kMessageMap,  // an object of objects, as map<string, MESSAGE>
};

// Whether a repeated field may also stand as its only element, without an array.
enum class OneOrMany : uint8_t { kNo, kYes };

struct JsonMessage;

struct JsonField {
  std::string_view name;  // camelCase
  uint32_t number = 0;
  JsonType type = JsonType::kText;
  bool repeated = false;
  const JsonMessage* message = nullptr;
  std::span<const std::string_view> names = {};  // of a kEnum, from 0
  OneOrMany one_or_many = OneOrMany::kNo;
};

struct JsonMessage {
  std::span<const JsonField> fields;
  // What an item is called; a wrong type inside rejects it alone. Empty for messages that are no items.
  std::string_view item = {};
};

constexpr size_t kJsonDepthMax = 320;  // AnyValues nested kValueDepthMax deep, and the frames around them

// Threads: one. Keeps its memory.
class JsonToProto {
 public:
  // Converts one object.
  // Errors: kInvalid, with the byte offset, when it is no JSON; with the path when a type outside the items is wrong.
  Status convert(std::string_view json, const JsonMessage& root);
  // Converts an array to a message whose only field is `element`.
  Status convert_array(std::string_view json, const JsonField& element);

  std::string_view bytes() const { return out_; }
  // Gives back the memory of a large request.
  void release();
  // Adds the items that were left out to the counts of a request.
  void add_rejections(Events& events) const;

 private:
  struct Step {
    std::string_view key;
    size_t index = 0;
  };
  Status begin(std::string_view json);
  Status outcome() const;
  bool object(const JsonMessage& message, int depth);
  bool member(const JsonField& field, int depth);
  bool array(const JsonField& field, int depth);
  bool single(const JsonField& field, int depth);
  bool item(const JsonField& field, int depth);
  bool message(const JsonField& field, int depth);
  bool scalar(const JsonField& field);
  bool map(const JsonField& field, int depth);
  bool enumeration(const JsonField& field, JsonCursor::Token token);
  bool wrong(std::string_view expected);
  std::string path() const;

  JsonCursor in_;
  std::string out_;
  std::string text_;   // an unescaped string
  std::string bytes_;  // decoded hex or base64
  std::vector<Step> path_;
  std::string problem_;
  uint64_t items_ = 0;
  std::vector<Rejection> rejected_;
  uint64_t rejected_count_ = 0;
};

}  // namespace clew::wire
