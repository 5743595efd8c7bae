#include "wire/es_bulk.h"

#include <cstring>
#include <unordered_map>

#include "wire/batch_set.h"
#include "wire/index_name.h"

namespace clew::wire {
namespace {

constexpr size_t kIdBytesMax = 512;         // Elasticsearch's limit of an _id
constexpr size_t kItemBytesExpected = 300;  // of the body, for the first guess at how many items it holds
constexpr std::string_view kIllegalArgument = "illegal_argument_exception";

// One action line, and what follows from it for its document.
struct Action {
  BulkOp op = BulkOp::kIndex;
  std::string index;
  std::string id;
  bool has_id = false;

  std::string dataset;
  uint32_t place = 0;     // of the index among those of the request
  uint16_t status = 201;  // else why the document is refused, whatever it holds
  std::string_view error_type;
  std::string error;
  Reason reason = Reason::kUnsupported;

  void refuse(uint16_t http_status, std::string_view type, std::string why, Reason because) {
    status = http_status;
    error_type = type;
    error = std::move(why);
    reason = because;
  }
};

std::string malformed(uint64_t line, std::string_view expected, std::string_view found) {
  return "Malformed action/metadata line [" + std::to_string(line) + "], expected " + std::string(expected) +
         " but found [" + std::string(found) + "]";
}

std::string_view token_name(char c) {
  switch (c) {
    case '{': return "START_OBJECT";
    case '[': return "START_ARRAY";
    case '}': return "END_OBJECT";
    case '"': return "VALUE_STRING";
    case 't':
    case 'f': return "VALUE_BOOLEAN";
    case 'n': return "VALUE_NULL";
    default: return "VALUE_NUMBER";
  }
}

// Reads an action line from the left.
class ActionReader {
 public:
  ActionReader(std::string_view line, uint64_t number) : p_(line.data()), end_(p_ + line.size()), number_(number) {}

  Status read(Action& action) {
    CLEW_TRY(open());
    if (take('}')) return bad("FIELD_NAME", "END_OBJECT");
    std::string name;
    CLEW_TRY(key(name));
    if (name == "index")
      action.op = BulkOp::kIndex;
    else if (name == "create")
      action.op = BulkOp::kCreate;
    else if (name == "update")
      action.op = BulkOp::kUpdate;
    else if (name == "delete")
      action.op = BulkOp::kDelete;
    else
      return bad("field [create], [delete], [index] or [update]", name);
    CLEW_TRY(open());
    if (!take('}')) CLEW_TRY(parameters(action));
    if (!take('}') || p_ != end_) return broken();
    return {};
  }

 private:
  void blanks() { p_ = scan::blanks<Newlines::kEndDocument>(p_, end_); }
  bool take(char c) {
    blanks();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    blanks();
    return true;
  }
  Status bad(std::string_view expected, std::string_view found) const {
    return Error(Code::kInvalid, malformed(number_, expected, found));
  }
  Status broken() const {
    return Error(Code::kInvalid, "Malformed action/metadata line [" + std::to_string(number_) + "], not valid JSON");
  }
  Status open() {
    if (take('{')) return {};
    return p_ == end_ ? broken() : bad("START_OBJECT", token_name(*p_));
  }
  Status string(std::string& out) {
    unsigned seen = 0;
    const char* quote = scan::string_end(p_ + 1, end_, seen);
    if (quote == nullptr) return broken();
    out.clear();
    append_unescaped(std::string_view(p_ + 1, static_cast<size_t>(quote - p_ - 1)), out);
    p_ = quote + 1;
    return {};
  }
  Status key(std::string& out) {
    if (p_ == end_ || *p_ != '"') return broken();
    CLEW_TRY(string(out));
    return take(':') ? Status() : broken();
  }
  // Strings, and numbers as their text; null is as if the parameter were not there.
  Status scalar(std::string& out, bool& there) {
    there = true;
    if (p_ != end_ && *p_ == '"') return string(out);
    SkipInfo info;
    const char* after = skip_value(p_, end_, Grammar::kStrict, Newlines::kEndDocument, info);
    if (after == nullptr) return broken();
    out.assign(p_, after);
    there = out != "null" && info.depth == 0;
    p_ = after;
    return {};
  }
  Status parameters(Action& action) {
    std::string name;
    std::string value;
    do {
      bool there = false;
      CLEW_TRY(key(name));
      CLEW_TRY(scalar(value, there));
      if (!there) continue;
      if (name == "_index") action.index = value;
      if (name == "op_type" && value == "create" && action.op == BulkOp::kIndex) action.op = BulkOp::kCreate;
      if (name == "_id") action.id = value, action.has_id = true;
    } while (take(','));
    return take('}') ? Status() : broken();
  }

  const char* p_;
  const char* end_;
  uint64_t number_;
};

std::string_view index_error_type(const Error& error) {
  return error.code() == Code::kForbidden ? "security_exception" : "invalid_index_name_exception";
}

}  // namespace

struct BulkDecoder::State {
  BatchSet batches;
  std::unordered_map<std::string, uint32_t> index_places;
  std::string last_line;  // the action line before with its newline; empty when it had an id
  Action action;          // what it said

  // Of the request being read.
  const Intake* intake = nullptr;
  BulkRequest* out = nullptr;
  std::string_view default_index;
  uint64_t item = 0;

  void begin(BulkRequest& request, std::string_view path_index, const Intake& request_intake, size_t body_bytes) {
    out = &request;
    intake = &request_intake;
    default_index = path_index.empty() ? request_intake.dataset : path_index;
    index_places.clear();
    last_line.clear();
    item = 0;
    batches.begin(request_intake, body_bytes);
  }

  uint32_t place_of(const std::string& index) {
    auto [it, made] = index_places.emplace(index, static_cast<uint32_t>(out->indexes.size()));
    if (made) out->indexes.push_back(index);
    return it->second;
  }

  BulkItem start_item() {
    ++item;
    ++out->events.received;
    BulkItem made;
    made.op = action.op;
    made.index = action.place;
    made.id_begin = static_cast<uint32_t>(out->ids.size());
    made.id_bytes = static_cast<uint32_t>(action.id.size());
    if (!action.id.empty()) out->ids += action.id;
    return made;
  }

  void refuse(BulkItem made, uint16_t status, std::string_view type, std::string reason, Reason why) {
    made.status = status;
    made.error = static_cast<uint32_t>(out->errors.size());
    out->errors.push_back({std::string(type), reason});
    out->items.push_back(made);
    out->events.reject({item, why, std::move(reason)});
  }
  void refuse_by_action(const BulkItem& made) {
    refuse(made, action.status, action.error_type, action.error, action.reason);
  }

  // Fills in what follows from the action line alone.
  void judge() {
    if (action.index.empty()) action.index = default_index;
    action.place = place_of(action.index);
    action.dataset = dataset_of_index(action.index);
    if (action.op == BulkOp::kUpdate) {
      return action.refuse(400, kIllegalArgument,
                           "events are never changed: [update] is not supported, index a new event",
                           Reason::kUnsupported);
    }
    if (action.op == BulkOp::kDelete) {
      return action.refuse(400, kIllegalArgument,
                           "events are deleted by query: [delete] is not supported, see clew delete",
                           Reason::kUnsupported);
    }
    if (action.has_id && action.id.empty()) {
      return action.refuse(400, kIllegalArgument, "if _id is specified it must not be empty", Reason::kBadName);
    }
    if (action.id.size() > kIdBytesMax) {
      return action.refuse(
          400, kIllegalArgument,
          "id is too long, must be no longer than 512 bytes but was: " + std::to_string(action.id.size()),
          Reason::kBadName);
    }
    Status name = check_dataset_name(action.dataset);
    if (name.ok()) return;
    bool forbidden = name.error().code() == Code::kForbidden;
    action.refuse(forbidden ? 403 : 400, index_error_type(name.error()), name.error().message(), Reason::kBadName);
  }

  // Takes the document at `p` and gives the place behind its line (kEndDocument), or behind everything (kBlank).
  const char* add_document(const char* p, const char* end, Newlines newlines) {
    BulkItem made = start_item();
    auto line_end = [&] {
      const void* newline = newlines == Newlines::kBlank ? nullptr : std::memchr(p, '\n', static_cast<size_t>(end - p));
      return newline == nullptr ? end : static_cast<const char*>(newline) + 1;
    };
    if (action.status != 201) {
      refuse_by_action(made);
      return line_end();
    }
    BatchSet::Lane& lane = batches.lane(action.dataset);
    auto blanks = [&](const char* from) {
      return newlines == Newlines::kBlank ? scan::blanks<Newlines::kBlank>(from, end)
                                          : scan::blanks<Newlines::kEndDocument>(from, end);
    };
    const char* first = blanks(p);
    lane.rows.begin_row();
    const char* after = lane.reader.read(first, end, newlines);
    const char* error = after == nullptr ? lane.reader.error() : "more text after the document";
    const char* error_at = after == nullptr ? lane.reader.error_at() : after;
    if (after != nullptr) {
      after = blanks(after);
      if (after == end || (newlines == Newlines::kEndDocument && *after == '\n')) {
        end_document(made, lane);
        return after == end ? end : after + 1;
      }
    }
    lane.rows.abandon_row();
    std::string reason = "[1:" + std::to_string(error_at - p + 1) + "] failed to parse: " + error;
    bool object = first != end && *first == '{';
    refuse(made, 400, "document_parsing_exception", std::move(reason), object ? Reason::kSyntax : Reason::kNotAnObject);
    return line_end();
  }

  void end_document(BulkItem& made, BatchSet::Lane& lane) {
    if (!action.id.empty()) lane.rows.set_id(action.id);
    if (action.dataset.size() != action.index.size()) lane.rows.set_index(action.index);
    lane.rows.end_row();
    made.has_row = true;
    made.batch = lane.place;
    made.row = lane.rows.row();
    if (action.op == BulkOp::kCreate && !action.id.empty()) out->creates.push_back({made.batch, made.row});
    out->items.push_back(made);
  }

  // The action line at `p`, which is mostly the one before again; gives the place behind its newline.
  // Requires: a newline before `end`.
  Result<const char*> read_action(const char* p, const char* end, uint64_t number) {
    size_t known = last_line.size();
    if (known > 0 && static_cast<size_t>(end - p) >= known && std::memcmp(p, last_line.data(), known) == 0)
      return p + known;
    const char* newline = static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
    std::string_view line(p, static_cast<size_t>(newline - p));
    action = {};
    last_line.clear();
    CLEW_TRY(ActionReader(line, number).read(action));
    judge();
    if (!action.has_id) last_line.assign(p, newline + 1);
    return newline + 1;
  }

  void finish() {
    std::vector<uint32_t> places;
    out->events.batches = batches.take(&places);
    for (BulkItem& i : out->items) {
      if (i.has_row) i.batch = places[i.batch];
    }
    for (contract::CreateRow& c : out->creates) c.batch = places[c.batch];
    uint32_t rows = 0;
    for (const model::Batch& b : out->events.batches) {
      out->first_rows.push_back(rows);
      rows += b.rows();
    }
  }
};

BulkDecoder::BulkDecoder() : state_(std::make_unique<State>()) {}
BulkDecoder::~BulkDecoder() = default;

Result<BulkRequest> BulkDecoder::decode(std::string_view body, std::string_view default_index, const Intake& intake) {
  if (body.empty()) return Error(Code::kInvalid, "request body is required");
  if (body.back() != '\n') return Error(Code::kInvalid, "The bulk request must be terminated by a newline [\\n]");
  BulkRequest request;
  State& s = *state_;
  s.begin(request, default_index, intake, body.size());
  request.items.reserve(body.size() / kItemBytesExpected);
  const char* p = body.data();
  const char* end = p + body.size();
  for (uint64_t number = 1; p != end; ++number) {
    p = scan::blanks<Newlines::kEndDocument>(p, end);
    if (*p == '\n') {
      ++p;
      continue;
    }
    p = CLEW_TRY(s.read_action(p, end, number));
    if (s.action.op == BulkOp::kDelete) {
      s.refuse_by_action(s.start_item());
      continue;
    }
    if (p == end) {
      return Error(Code::kInvalid,
                   "Malformed action/metadata line [" + std::to_string(number) + "], its document is missing");
    }
    p = s.add_document(p, end, Newlines::kEndDocument);
    ++number;
  }
  if (request.items.empty()) return Error(Code::kInvalid, "Validation Failed: 1: no requests added;");
  s.finish();
  return request;
}

BulkRequest BulkDecoder::decode_document(std::string_view body, std::string_view index, std::string_view id, BulkOp op,
                                         const Intake& intake) {
  BulkRequest request;
  State& s = *state_;
  s.begin(request, index, intake, body.size());
  s.action = {};
  s.action.op = op;
  s.action.id = id;
  s.action.has_id = !id.empty();
  s.judge();
  s.add_document(body.data(), body.data() + body.size(), Newlines::kBlank);
  s.finish();
  return request;
}

}  // namespace clew::wire
