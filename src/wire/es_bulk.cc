#include "wire/es_bulk.h"

#include <cstring>
#include <unordered_map>

#include "wire/batch_set.h"
#include "wire/index_name.h"

namespace clew::wire {
namespace {

constexpr size_t kIdBytesMax = 512;  // Elasticsearch's limit of an _id
constexpr std::string_view kIllegalArgument = "illegal_argument_exception";

// One action line.
struct Action {
  BulkOp op = BulkOp::kIndex;
  std::string index;
  std::string id;
  bool has_id = false;
};

std::string malformed(uint64_t line, std::string_view expected, std::string_view found) {
  return "Malformed action/metadata line [" + std::to_string(line) + "], expected " + std::string(expected) + " but found [" +
         std::string(found) + "]";
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
    if (name == "index") action.op = BulkOp::kIndex;
    else if (name == "create") action.op = BulkOp::kCreate;
    else if (name == "update") action.op = BulkOp::kUpdate;
    else if (name == "delete") action.op = BulkOp::kDelete;
    else return bad("field [create], [delete], [index] or [update]", name);
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
  std::string last_line;  // the action line before, and what it said: mostly the next one is the same
  Action last_action;

  // Of the request being read.
  const Intake* intake = nullptr;
  BulkRequest* out = nullptr;
  std::string_view default_index;
  uint64_t item = 0;

  void begin(BulkRequest& request, std::string_view path_index, const Intake& request_intake) {
    out = &request;
    intake = &request_intake;
    default_index = path_index.empty() ? request_intake.dataset : path_index;
    index_places.clear();
    last_line.clear();
    item = 0;
    batches.begin(request_intake);
  }

  uint32_t place_of(const std::string& index) {
    auto [it, made] = index_places.emplace(index, static_cast<uint32_t>(out->indexes.size()));
    if (made) out->indexes.push_back(index);
    return it->second;
  }

  BulkItem start_item(const Action& action) {
    ++item;
    ++out->events.received;
    BulkItem made;
    made.op = action.op;
    made.index = place_of(action.index);
    made.id_begin = static_cast<uint32_t>(out->ids.size());
    made.id_bytes = static_cast<uint32_t>(action.id.size());
    out->ids += action.id;
    return made;
  }

  void refuse(BulkItem made, uint16_t status, std::string_view type, std::string reason, Reason why) {
    made.status = status;
    made.error = static_cast<uint32_t>(out->errors.size());
    out->errors.push_back({std::string(type), reason});
    out->items.push_back(made);
    out->events.reject({item, why, std::move(reason)});
  }

  // What the action alone tells against it.
  bool refuse_action(const BulkItem& made, const Action& action) {
    if (action.op == BulkOp::kUpdate || action.op == BulkOp::kDelete) {
      refuse(made, 400, kIllegalArgument,
             action.op == BulkOp::kUpdate ? "events are never changed: [update] is not supported, index a new event"
                                          : "events are deleted by query: [delete] is not supported, see clew delete",
             Reason::kUnsupported);
      return true;
    }
    if (action.has_id && action.id.empty()) {
      refuse(made, 400, kIllegalArgument, "if _id is specified it must not be empty", Reason::kBadName);
      return true;
    }
    if (action.id.size() > kIdBytesMax) {
      refuse(made, 400, kIllegalArgument,
             "id is too long, must be no longer than 512 bytes but was: " + std::to_string(action.id.size()), Reason::kBadName);
      return true;
    }
    Status name = check_dataset_name(dataset_of_index(action.index));
    if (name.ok()) return false;
    refuse(made, name.error().code() == Code::kForbidden ? 403 : 400, index_error_type(name.error()), name.error().message(),
           Reason::kBadName);
    return true;
  }

  // Takes the document at `p`, which ends at `line_end`.
  void add_document(const Action& action, const char* p, const char* line_end, Newlines newlines) {
    BulkItem made = start_item(action);
    if (refuse_action(made, action)) return;
    std::string_view dataset = dataset_of_index(action.index);
    BatchSet::Lane& lane = batches.lane(dataset);
    const char* line = p;
    p = newlines == Newlines::kBlank ? scan::blanks<Newlines::kBlank>(p, line_end)
                                     : scan::blanks<Newlines::kEndDocument>(p, line_end);
    lane.rows.begin_row();
    const char* error = nullptr;
    const char* error_at = nullptr;
    const char* after = lane.reader.read(p, line_end, newlines);
    if (after == nullptr) {
      error = lane.reader.error();
      error_at = lane.reader.error_at();
    } else if (scan::blanks<Newlines::kBlank>(after, line_end) != line_end) {
      error = "more text after the document";
      error_at = after;
    }
    if (error != nullptr) {
      lane.rows.abandon_row();
      std::string reason = "[1:" + std::to_string(error_at - line + 1) + "] failed to parse: " + error;
      bool object = p != line_end && *p == '{';
      refuse(made, 400, "document_parsing_exception", std::move(reason), object ? Reason::kSyntax : Reason::kNotAnObject);
      return;
    }
    if (!action.id.empty()) lane.rows.set_id(action.id);
    if (dataset.size() != action.index.size()) lane.rows.set_index(action.index);
    lane.rows.end_row();
    made.has_row = true;
    made.batch = lane.place;
    made.row = lane.rows.row();
    if (action.op == BulkOp::kCreate && !action.id.empty()) out->creates.push_back({made.batch, made.row});
    out->items.push_back(made);
  }

  Status read_action(std::string_view line, uint64_t number, Action& action) {
    if (!last_line.empty() && line == last_line) {
      action = last_action;
      return {};
    }
    action = {};
    CLEW_TRY(ActionReader(line, number).read(action));
    if (action.index.empty()) action.index = default_index;
    if (!action.has_id) {
      last_line = line;
      last_action = action;
    }
    return {};
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
  s.begin(request, default_index, intake);
  Action action;
  const char* p = body.data();
  const char* end = p + body.size();
  auto line_end = [&](const char* from) {
    return static_cast<const char*>(std::memchr(from, '\n', static_cast<size_t>(end - from)));
  };
  for (uint64_t number = 1; p != end; ++number) {
    const char* stop = line_end(p);
    const char* first = scan::blanks<Newlines::kEndDocument>(p, stop);
    if (first == stop) {
      p = stop + 1;
      continue;
    }
    CLEW_TRY(s.read_action(std::string_view(first, static_cast<size_t>(stop - first)), number, action));
    p = stop + 1;
    if (action.op == BulkOp::kDelete) {
      BulkItem made = s.start_item(action);
      (void)s.refuse_action(made, action);
      continue;
    }
    if (p == end) {
      return Error(Code::kInvalid, "Malformed action/metadata line [" + std::to_string(number) + "], its document is missing");
    }
    stop = line_end(p);
    s.add_document(action, p, stop, Newlines::kEndDocument);
    ++number;
    p = stop + 1;
  }
  if (request.items.empty()) return Error(Code::kInvalid, "Validation Failed: 1: no requests added;");
  s.finish();
  return request;
}

BulkRequest BulkDecoder::decode_document(std::string_view body, std::string_view index, std::string_view id, BulkOp op,
                                         const Intake& intake) {
  BulkRequest request;
  State& s = *state_;
  s.begin(request, index, intake);
  Action action{op, std::string(s.default_index), std::string(id), !id.empty()};
  s.add_document(action, body.data(), body.data() + body.size(), Newlines::kBlank);
  s.finish();
  return request;
}

}  // namespace clew::wire
