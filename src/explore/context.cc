#include "explore/context.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "expr/ast.h"
#include "trace/locate.h"

namespace clew::explore {
namespace {

using model::Value;

// What rows begin with; taken out of their fields again.
constexpr const char* kRowColumns =
    " | eval _level = level, _message = message, _service = `service.name`, _host = `host.name`"
    " | fields _dataset, _seq, _level, _message, _service, _host, *";

// Canonical fields, for what a document lacks under these names.
constexpr const char* kDerived[] = {
    "message",        "level",          "service.name",  "host.name",     "trace_id",    "span_id",
    "parent_span_id", "request_id",     "user_id",       "code.function", "code.file",   "code.line",
    "code.module",    "code.namespace", "logger",        "process.pid",   "thread.name", "source.kind",
    "duration_ms",    "error.type",     "error.message", "error.stack"};

// Where collectors put the name of the file that a line was read from.
constexpr const char* kFileFields[] = {"log.file.path", "log.file.name", "file.path", "filename", "path"};

const Value* value_of(const FieldValues& fields, std::string_view name) {
  auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

// A field of the document, else one that clew derives.
const Value* value_of(const FoundEvent& event, std::string_view name) {
  const Value* value = value_of(event.row.fields, name);
  return value != nullptr ? value : value_of(event.derived, name);
}

EventRow row_of(const Table& table, size_t row) {
  EventRow out;
  for (size_t i = 0; i < table.schema().size(); ++i) {
    const std::string& name = table.schema()[i].name;
    const Value& value = table.at(row, i);
    if (value.is_null()) continue;
    if (name == "_id") out.id = value.text();
    if (name == "_dataset") out.dataset = value.text();
    if (name == "_seq") out.place.seq = count_of(value);
    if (name == "@timestamp") out.place.time = value.i64();
    if (name == "_level") out.level = value;
    if (name == "_message") out.message = value;
    if (name == "_service") out.service = value;
    if (name == "_host") out.host = value;
    if (name[0] != '_' && name != "@timestamp") out.fields.emplace_back(name, value);
  }
  return out;
}

std::string source_of(const std::vector<std::string>& datasets) {
  std::string out;
  for (const std::string& name : datasets) out += (out.empty() ? "source=" : ", ") + expr::print_name(name);
  return out;
}

contract::TimeRange moment(int64_t time) { return {time, time == INT64_MAX ? time : time + 1}; }

Result<std::vector<std::string>> names_of_datasets(contract::EventSource& source, const contract::Access& access) {
  std::vector<contract::DatasetInfo> known = CLEW_TRY(source.datasets(access));
  std::vector<std::string> out;
  for (contract::DatasetInfo& info : known) out.push_back(std::move(info.name));
  return out;
}

// Datasets that events around an ordinary one are not looked for in.
bool is_apart(const std::string& dataset) { return dataset == "traces" || dataset == "audit" || dataset == "clew"; }

struct Located {
  std::string dataset;
  query::Place place;
};

Error no_event(const EventName& name, Lines lines) {
  std::string where = name.dataset.empty() ? "" : " in dataset " + clew::quoted(name.dataset);
  return Error(Code::kNotFound,
               fmt::format("no event{} has the _id {}{}: it was deleted, or its time to be kept is over, "
                           "or it is of another store",
                           where, clew::quoted(name.text), lines == Lines::kYes ? ", and none is that line" : ""));
}

Result<Located> locate(contract::EventSource& source, const Question& question, const EventName& name, Lines lines) {
  if (name.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Error(Code::kInvalid, "no event is named: give its _id, or its line");
  }
  constexpr size_t kNameBytesMax = 64u << 10;
  if (name.text.size() > kNameBytesMax) return Error(Code::kTooLarge, "a name of more than 64 KiB");
  trace::Loader loader(source);
  trace::Where where{question.access, {}, question.range};
  if (!name.dataset.empty()) {
    where.datasets = {name.dataset};
  } else {
    where.datasets = CLEW_TRY(names_of_datasets(source, question.access));
  }
  if (where.datasets.empty()) return no_event(name, lines);
  std::string_view id = name.text;
  while (id.back() == '\n' || id.back() == '\r' || id.back() == ' ') id.remove_suffix(1);
  trace::Records found;
  const trace::Record* event = CLEW_TRY(trace::event_of_id(loader, id, where, question.stop, found));
  if (event == nullptr && lines == Lines::kYes) {
    if (name.dataset.empty()) where.datasets.clear();
    event = CLEW_TRY(trace::event_of_line(loader, name.text, where, question.stop, found));
  }
  if (event == nullptr) return no_event(name, lines);
  return Located{std::string(event->dataset), {event->time, event->seq}};
}

// What the events have in common.
class Common {
 public:
  Common(const FoundEvent& event, const ContextRequest& request) : event_(event), request_(request) {}

  Status choose() {
    if (request_.by.size() > kContextFieldsMax) {
      return Error(Code::kInvalid, fmt::format("by: more than {} fields", kContextFieldsMax));
    }
    if (request_.by.empty()) return choose_default();
    for (const std::string& by : request_.by) CLEW_TRY(add(by));
    return {};
  }

  const FieldValues& same() const { return same_; }
  bool of_dataset() const { return of_dataset_ || same_.empty(); }

 private:
  Status choose_default() {
    if (const char* file = file_field()) {
      take(file);
      take_if_there("host.name");
      return {};
    }
    take_if_there("service.name");
    take_if_there("host.name");
    return {};
  }

  Status add(const std::string& by) {
    if (by == "dataset") {
      of_dataset_ = true;
      return {};
    }
    if (by == "file") {
      const char* file = file_field();
      if (file == nullptr) return lacks(by, "a field that names its file");
      take(file);
      take_if_there("host.name");
      return {};
    }
    if (by == "thread") {
      // The names of threads are those of one process.
      CLEW_TRY(require(by, "thread.name"));
      for (const char* field : {"process.pid", "service.name", "host.name"}) take_if_there(field);
      return {};
    }
    if (by == "host") return require(by, "host.name");
    if (by == "service") return require(by, "service.name");
    if (by == "trace") return require(by, "trace_id");
    return require(by, by);
  }

  const char* file_field() const {
    for (const char* field : kFileFields) {
      const Value* value = value_of(event_, field);
      if (value == nullptr || value->type() != model::Type::kString) continue;
      // `filename` and `path` are names for other things too; the whole path of a file begins at the root.
      bool surely = std::string_view(field).find('.') != std::string_view::npos;
      if (surely || value->text().starts_with('/')) return field;
    }
    return nullptr;
  }

  Status require(const std::string& by, const std::string& field) {
    const Value* value = value_of(event_, field);
    if (value == nullptr) return lacks(by, "a field " + field);
    if (value->type() == model::Type::kArray || value->type() == model::Type::kStruct) {
      return Error(Code::kInvalid, fmt::format("by: {} of the event is no single value", field));
    }
    take(field);
    return {};
  }

  Error lacks(const std::string& by, const std::string& what) const {
    std::string there;
    for (const auto& [name, field] : {std::pair("host", "host.name"), std::pair("service", "service.name"),
                                      std::pair("thread", "thread.name"), std::pair("trace", "trace_id")}) {
      if (value_of(event_, field) != nullptr) there += std::string(name) + ", ";
    }
    if (file_field() != nullptr) there += "file, ";
    return Error(Code::kInvalid, fmt::format("by: the event has not {}, so that there is no context by {}: what it has "
                                             "is {}dataset, and any field of its own",
                                             what, by, there));
  }

  void take(const std::string& field) {
    if (value_of(same_, field) == nullptr) same_.emplace_back(field, *value_of(event_, field));
  }
  void take_if_there(const char* field) {
    const Value* value = value_of(event_, field);
    if (value != nullptr && value->type() != model::Type::kArray && value->type() != model::Type::kStruct) take(field);
  }

  const FoundEvent& event_;
  const ContextRequest& request_;
  FieldValues same_;
  bool of_dataset_ = false;
};

std::string conditions_of(const FieldValues& same) {
  std::string out;
  for (const auto& [field, value] : same) {
    out += fmt::format("{}{} = {}", out.empty() ? " | where " : " and ", expr::print_name(field),
                       expr::print(*expr::make_literal(value)));
  }
  return out;
}

// The rows on one side of the event, the nearest first.
struct Side {
  Table table;
  bool more = false;
};

std::optional<query::Failure> read_side(query::Engine& engine, const Question& question, const std::string& text,
                                        const query::Place& event, bool before, uint32_t rows, Side& side, Cost& cost) {
  if (rows == 0) {
    side.more = true;
    return std::nullopt;
  }
  query::Request request;
  request.text = text + kRowColumns;
  request.access = question.access;
  request.range = question.range;
  request.limits = question.limits;
  request.limits.rows = rows;
  request.leaves = true;
  request.ids = true;
  request.newest_first = before;
  request.page = query::Page{.after = event, .required = true};
  query::Outcome outcome = engine.run(request, side.table, question.stop);
  side.more = outcome.next.has_value();
  // That there are more rows than were asked for makes the answer no worse.
  if (outcome.exactness.limit == "rows") outcome.exactness = {};
  cost.add(outcome);
  return std::move(outcome.failure);
}

}  // namespace

Result<Answer<FoundEvent>> find_event(query::Engine& engine, contract::EventSource& source, const Question& question,
                                      const EventName& name, Lines lines) {
  Located located = CLEW_TRY(locate(source, question, name, lines));
  Question one = question;
  one.range = moment(located.place.time);
  one.limits.rows = 1;
  const std::string text = fmt::format("{} | where _seq = {}", source_of({located.dataset}), located.place.seq);
  FoundEvent out;
  Cost cost;
  Table leaves;
  Table others;
  std::string names = " | fields _id, _index, _ingest_time, _flags, _raw";
  for (const char* field : kDerived) names += ", " + expr::print_name(field);
  if (auto failure = run(engine, one, text + kRowColumns, leaves, cost)) return Answer<FoundEvent>(std::move(*failure));
  if (auto failure = run(engine, one, text + names, others, cost)) return Answer<FoundEvent>(std::move(*failure));
  if (leaves.rows_count() == 0 || others.rows_count() == 0) return no_event(name, lines);
  out.row = row_of(leaves, 0);
  out.row.place = located.place;
  for (size_t i = 0; i < others.schema().size(); ++i) {
    const std::string& field = others.schema()[i].name;
    const Value& value = others.at(0, i);
    if (value.is_null()) continue;
    if (field == "_id") out.row.id = value.text();
    if (field == "_index") out.index = value.text();
    if (field == "_raw") out.raw = value.text();
    if (field == "_ingest_time") out.ingested = value.i64();
    if (field == "_flags") out.flags = value.i64();
    if (field[0] != '_' && value_of(out.row.fields, field) == nullptr) out.derived.emplace_back(field, value);
  }
  return Answer<FoundEvent>(std::move(out));
}

Result<Answer<Context>> context_of(query::Engine& engine, contract::EventSource& source, const Question& question,
                                   const FoundEvent& event, const ContextRequest& request) {
  if (request.before > kContextRowsMax || request.after > kContextRowsMax) {
    return Error(Code::kInvalid, fmt::format("before and after: at most {} events each", kContextRowsMax));
  }
  Common common(event, request);
  CLEW_TRY(common.choose());
  std::string text;
  if (!question.query.empty()) {
    auto events = engine.events_part(question.query);
    if (auto* failure = std::get_if<query::Failure>(&events)) return Answer<Context>(std::move(*failure));
    text = std::get<std::string>(std::move(events));
  } else if (common.of_dataset() || is_apart(event.row.dataset)) {
    text = source_of({event.row.dataset});
  } else {
    std::vector<std::string> datasets = CLEW_TRY(names_of_datasets(source, question.access));
    std::erase_if(datasets, is_apart);
    text = source_of(datasets);
  }
  text += conditions_of(common.same());
  Context out;
  out.same = common.same();
  out.query = text;
  Side before;
  Side after;
  const query::Place& place = event.row.place;
  if (auto failure = read_side(engine, question, text, place, true, request.before, before, out.cost))
    return Answer<Context>(std::move(*failure));
  if (auto failure = read_side(engine, question, text, place, false, request.after, after, out.cost))
    return Answer<Context>(std::move(*failure));
  for (size_t row = before.table.rows_count(); row-- > 0;) out.rows.push_back(row_of(before.table, row));
  out.at = out.rows.size();
  out.rows.push_back(event.row);
  for (size_t row = 0; row < after.table.rows_count(); ++row) out.rows.push_back(row_of(after.table, row));
  out.more_before = before.more;
  out.more_after = after.more;
  return Answer<Context>(std::move(out));
}

}  // namespace clew::explore
