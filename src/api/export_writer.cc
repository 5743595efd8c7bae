#include "api/export_writer.h"

#include <algorithm>

#include "api/json_body.h"
#include "base/hash.h"
#include "query/encode.h"
#include "text/valid_utf8.h"

namespace clew::api {
namespace {

constexpr size_t kPieceBytes = 64u << 10;       // rows are handed on in pieces of about this
constexpr uint64_t kMarkBytes = 1u << 20;       // a mark stands behind at most about so many,
constexpr uint64_t kMarkNanos = 1'000'000'000;  // and whenever rows come so long after the last one
constexpr std::string_view kNote = "_export";
constexpr std::string_view kCsvNote = "#_export ";  // no row begins with a number sign: such cells are quoted

}  // namespace

Status ExportWriter::begin(const std::vector<query::OutputColumn>& schema) {
  schema_ = schema;
  bool csv = call_.format == ExportFormat::kCsv;
  if (!csv && std::any_of(schema.begin(), schema.end(), [](const auto& column) { return column.name == kNote; })) {
    refused_ = Error(Code::kInvalid,
                     "a column _export would look like the marks of the export: give it another name "
                     "with | rename");
    return refused_;
  }
  if (csv) {
    refused_ = choose_columns();
    if (!refused_.ok()) return refused_;
    if (!call_.resumed) {
      for (size_t i = 0; i < chosen_.size(); ++i) {
        if (i != 0) pending_ += ',';
        append_csv_cell(column_name(i));
      }
      pending_ += '\n';
    }
  }
  begun_ = true;
  if (!out_(std::move(pending_))) return Error(Code::kCancelled, "the client has gone");
  pending_.clear();
  return {};
}

Status ExportWriter::choose_columns() {
  for (const std::string& name : call_.columns) {
    auto found = std::find_if(schema_.begin(), schema_.end(), [&](const auto& column) { return column.name == name; });
    // A field may have gone with its last event while the export was interrupted.
    if (found == schema_.end() && !call_.resumed) {
      return Error(Code::kInvalid, "columns: the answer has no column " + clew::quoted(name));
    }
    chosen_.push_back(found == schema_.end() ? SIZE_MAX : static_cast<size_t>(found - schema_.begin()));
    columns_hash_ = base::hash_mix(columns_hash_, base::hash64(name));
  }
  if (call_.columns.empty()) {
    for (size_t i = 0; i < schema_.size(); ++i) {
      chosen_.push_back(i);
      columns_hash_ = base::hash_mix(columns_hash_, base::hash64(schema_[i].name));
    }
  }
  if (call_.resumed && columns_hash_ != call_.cursor.columns) {
    return Error(Code::kInvalid,
                 "cursor: new fields have come, or columns are named that the export did not begin with: name in "
                 "`columns` those of the head line that was sent then, in their order");
  }
  return {};
}

Status ExportWriter::rows(const query::RowBatch& batch) {
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (call_.format == ExportFormat::kCsv) {
      append_csv_row(batch, row);
    } else {
      query::append_json_row(schema_, batch, row, pending_);
    }
    pending_ += '\n';
    if (pending_.size() >= kPieceBytes) CLEW_TRY(flush());
  }
  CLEW_TRY(flush());
  rows_ += batch.rows;
  if (!batch.end) return {};
  end_ = batch.end;
  bool due = unmarked_bytes_ >= kMarkBytes || clock_.monotonic_ns() - marked_ns_ >= kMarkNanos;
  if (!call_.marks || !due) return {};
  mark(*batch.end);
  return flush();
}

const std::string& ExportWriter::column_name(size_t i) const {
  return call_.columns.empty() ? schema_[chosen_[i]].name : call_.columns[i];
}

void ExportWriter::append_csv_row(const query::RowBatch& batch, uint32_t row) {
  for (size_t i = 0; i < chosen_.size(); ++i) {
    if (i != 0) pending_ += ',';
    if (chosen_[i] == SIZE_MAX || batch.columns[chosen_[i]]->is_null(row)) continue;
    cell_.clear();
    query::append_text(batch.columns[chosen_[i]]->value(row), cell_);
    // Empty, but there.
    if (cell_.empty()) pending_ += "\"\"";
    append_csv_cell(cell_);
  }
}

void ExportWriter::append_csv_cell(std::string_view text) {
  bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
  bool number = formula && text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  bool guarded = call_.sanitize && formula && !number;
  bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos || text.starts_with('#');
  if (quoted) pending_ += '"';
  if (guarded) pending_ += '\'';
  for (char c : text) {
    if (c == '"') pending_ += '"';
    pending_ += c;
  }
  if (quoted) pending_ += '"';
}

// A line that is no row.
void ExportWriter::append_note(const std::string& json) {
  if (call_.format == ExportFormat::kCsv) {
    pending_ += kCsvNote;
    pending_ += json;
  } else {
    pending_ += "{\"_export\":" + json + "}";
  }
  pending_ += '\n';
}

void ExportWriter::mark(const query::Continuation& end) {
  Cursor cursor = call_.cursor;
  cursor.columns = columns_hash_;
  cursor.page.up_to = end.up_to;
  cursor.page.after = end.after;
  cursor.page.rows_before += rows_;
  Json note = {{"rows", cursor.page.rows_before}, {"cursor", cursor.text()}};
  if (call_.format == ExportFormat::kCsv && !marked_) {
    for (size_t i = 0; i < chosen_.size(); ++i) note["columns"].push_back(column_name(i));
  }
  marked_ = true;
  append_note(dump_json(note));
  unmarked_bytes_ = 0;
  marked_ns_ = clock_.monotonic_ns();
}

void ExportWriter::finish(const query::Outcome& outcome) {
  if (!begun_ || !flush().ok() || !call_.trailer) return;
  bool complete = !outcome.failure && outcome.exactness.kind != query::Exactness::Kind::kCut;
  Json note = {{"complete", complete},
               {"rows", call_.cursor.page.rows_before + rows_},
               {"answer", outcome.failure ? "failed" : outcome.exactness.text()}};
  if (outcome.failure) {
    note["code"] = std::string(query::failure_code(outcome.failure->kind));
    note["reason"] = outcome.failure->reason;
  }
  if (!outcome.warnings.empty()) note["warnings"] = outcome.warnings;
  if (!complete && end_) {
    mark(*end_);
  }
  append_note(dump_json(note));
  (void)flush();
}

Status ExportWriter::flush() {
  if (pending_.empty()) return {};
  unmarked_bytes_ += pending_.size();
  if (!call_.bytes) pending_ = text::valid_utf8(std::move(pending_));
  bool taken = out_(std::move(pending_));
  pending_.clear();
  if (!taken) return Error(Code::kCancelled, "the client has gone");
  return {};
}

}  // namespace clew::api
