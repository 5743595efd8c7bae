#include "wire/gelf.h"

#include <algorithm>
#include <iterator>

#include "model/json_text.h"
#include "wire/json_cursor.h"

namespace clew::wire {
namespace {

constexpr size_t kChunkHeaderBytes = 12;
constexpr size_t kDepthMaxOfMessage = 64;
constexpr std::string_view kSeverities[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

// Names that a message's own fields have here.
constexpr std::string_view kTaken[] = {"message", "full_message", "level", "timestamp", "host.name", "version"};

// The name of a field; empty for one that goes.
void append_name(std::string_view key, std::string& out) {
  if (key == "short_message") return void(out.append("message"));
  if (key == "host") return void(out.append("host.name"));
  if (!key.starts_with('_')) return void(out.append(key));
  while (key.starts_with('_')) key.remove_prefix(1);
  if (std::find(std::begin(kTaken), std::end(kTaken), key) != std::end(kTaken)) out.append("gelf.");
  out.append(key.empty() ? std::string_view("gelf.field") : key);
}

}  // namespace

Result<std::optional<GelfChunk>> read_gelf_chunk(std::string_view datagram) {
  if (!datagram.starts_with("\x1e\x0f")) return std::optional<GelfChunk>();
  if (datagram.size() <= kChunkHeaderBytes) return Error(Code::kInvalid, "a chunk without content");
  GelfChunk out;
  out.id = datagram.substr(2, 8);
  out.number = static_cast<uint8_t>(datagram[10]);
  out.count = static_cast<uint8_t>(datagram[11]);
  out.bytes = datagram.substr(kChunkHeaderBytes);
  if (out.count == 0 || out.count > kGelfChunksMax || out.number >= out.count) {
    return Error(Code::kInvalid, "chunk " + std::to_string(out.number) + " of " + std::to_string(out.count));
  }
  return std::optional<GelfChunk>(out);
}

// The same object with our names: numbers of levels become words, the version goes.
Status GelfRows::rewrite(std::string_view message) {
  CLEW_TRY(check_json(message, kDepthMaxOfMessage));
  JsonCursor in(message);
  if (in.peek() != '{') return Error(Code::kInvalid, "no JSON object");
  text_.assign("{");
  in.enter();
  while (in.more()) {
    std::string_view key = in.key();
    const char* begin = in.position();
    in.skip();
    std::string_view value(begin, static_cast<size_t>(in.position() - begin));
    if (key == "version") continue;
    if (text_.size() > 1) text_.push_back(',');
    text_.push_back('"');
    append_name(key, text_);
    text_.append("\":");
    bool severity = key == "level" && value.size() == 1 && value[0] >= '0' && value[0] <= '7';
    if (severity)
      model::append_json_string(kSeverities[value[0] - '0'], text_);
    else
      text_.append(value);
  }
  text_.push_back('}');
  return {};
}

Status GelfRows::put(std::string_view message, std::string_view sender) {
  CLEW_TRY(rewrite(message));
  rows_.begin_row();
  if (json_.read(text_.data(), text_.data() + text_.size(), Newlines::kBlank) == nullptr) {
    rows_.abandon_row();
    return Error(Code::kInvalid, json_.error());
  }
  Field* address = rows_.field("log.source.address");
  if (!sender.empty() && !rows_.has(address)) {
    rows_.note_origin(address, model::Origin::kResource);
    rows_.add_string(address, sender);
  }
  rows_.end_row();
  return {};
}

}  // namespace clew::wire
