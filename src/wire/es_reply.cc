// Elasticsearch's answers to _bulk and _doc, written straight as text.
#include <algorithm>
#include <charconv>

#include "model/json_text.h"
#include "wire/es_bulk.h"

namespace clew::wire {
namespace {

constexpr std::string_view kOps[] = {"index", "create", "update", "delete"};
constexpr std::string_view kBeforeSeq =
    "\"_version\":1,\"result\":\"created\",\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"_seq_no\":";
constexpr std::string_view kBehindSeq = ",\"_primary_term\":1";
constexpr size_t kItemBytes = 220;  // of a typical item in the answer

void append_number(uint64_t v, std::string& out) {
  char digits[20];
  char* end = std::to_chars(digits, digits + sizeof digits, v).ptr;
  out.append(digits, static_cast<size_t>(end - digits));
}

// Prints numbers that mostly count up by one.
class Counter {
 public:
  std::string_view print(uint64_t v) {
    if (v == value_ + 1 && digits_[bytes_ - 1] != '9') {
      ++digits_[bytes_ - 1];
    } else {
      bytes_ = static_cast<size_t>(std::to_chars(digits_, digits_ + sizeof digits_, v).ptr - digits_);
    }
    value_ = v;
    return {digits_, bytes_};
  }

 private:
  char digits_[20] = {'0'};
  size_t bytes_ = 1;
  uint64_t value_ = 0;
};

// Where each taken event came to rest.
class Places {
 public:
  Places(const BulkRequest& request, const contract::Ack* ack) : request_(request), ack_(ack) {
    if (ack == nullptr) return;
    id_prefix_ = contract::event_id(ack->key, 0);
    id_prefix_.pop_back();  // the row number
    for (const contract::CreateRow& c : ack->conflicts) left_out_.push_back(request.first_rows[c.batch] + c.row);
    std::sort(left_out_.begin(), left_out_.end());
  }

  bool conflicts(const BulkItem& item) const {
    return !left_out_.empty() && std::binary_search(left_out_.begin(), left_out_.end(), row(item));
  }
  // Rows that were left out have no number.
  uint64_t position(const BulkItem& item) const {
    uint64_t at = row(item);
    if (left_out_.empty()) return at;
    return at - static_cast<uint64_t>(std::lower_bound(left_out_.begin(), left_out_.end(), at) - left_out_.begin());
  }
  void append_id(const BulkItem& item, std::string& out) const {
    if (item.id_bytes > 0) {
      model::append_json_string(std::string_view(request_.ids).substr(item.id_begin, item.id_bytes), out);
      return;
    }
    if (!item.has_row || ack_ == nullptr) {
      out += "null";
      return;
    }
    out += '"';
    out += id_prefix_;
    append_number(row_id(item), out);
    out += '"';
  }
  uint64_t seq(const BulkItem& item) const { return ack_->first_seq.get() + position(item); }
  uint64_t row_id(const BulkItem& item) const { return ack_->first_row + position(item); }
  const std::string& id_prefix() const { return id_prefix_; }
  bool none_left_out() const { return left_out_.empty(); }

 private:
  uint64_t row(const BulkItem& item) const { return uint64_t{request_.first_rows[item.batch]} + item.row; }

  const BulkRequest& request_;
  const contract::Ack* ack_;
  std::string id_prefix_;
  std::vector<uint64_t> left_out_;
};

void append_error(const BulkError& error, std::string& out) {
  out += "{\"type\":";
  model::append_json_string(error.type, out);
  out += ",\"reason\":";
  model::append_json_string(error.reason, out);
  out += '}';
}

// One item's members, begun with a comma each; the first comma is taken away by the caller.
class ItemWriter {
 public:
  ItemWriter(const BulkRequest& request, const contract::Ack* ack, const BulkReplyFilter& filter)
      : request_(request), places_(request, ack), filter_(filter), acknowledged_(ack != nullptr) {}

  bool failed(const BulkItem& item) const { return !item.has_row || places_.conflicts(item); }
  uint16_t status(const BulkItem& item) const {
    if (!item.has_row) return item.status;
    return places_.conflicts(item) ? 409 : 201;
  }

  void append(const BulkItem& item, std::string& out) const {
    size_t first = out.size();
    if (filter_.identity) {
      out += ",\"_index\":";
      model::append_json_string(request_.indexes[item.index], out);
      out += ",\"_id\":";
      places_.append_id(item, out);
    }
    bool bad = failed(item);
    if (!bad && filter_.result && acknowledged_) {
      out += ',';
      out += kBeforeSeq;
      append_number(places_.seq(item), out);
      out += kBehindSeq;
    }
    if (filter_.status) {
      out += ",\"status\":";
      append_number(status(item), out);
    }
    if (bad && filter_.error) {
      out += ",\"error\":";
      append_reason(item, out);
    }
    if (out.size() > first) out.erase(first, 1);
  }

  void append_reason(const BulkItem& item, std::string& out) const {
    if (!item.has_row) {
      append_error(request_.errors[item.error], out);
      return;
    }
    std::string id = request_.ids.substr(item.id_begin, item.id_bytes);
    append_error({"version_conflict_engine_exception",
                  "[" + id + "]: version conflict, document already exists (current version [1])"},
                 out);
  }

 private:
  friend class StoredItems;

  const BulkRequest& request_;
  Places places_;
  const BulkReplyFilter& filter_;
  bool acknowledged_;
};

// Items of events that were stored and got their ids here: they differ in two numbers only.
class StoredItems {
 public:
  StoredItems(const ItemWriter& writer, const BulkReplyFilter& filter) : writer_(writer), filter_(filter) {}

  // False, with nothing appended, where the item is none of those.
  bool append(const BulkItem& item, std::string& out) {
    const Places& places = writer_.places_;
    bool ordinary = writer_.acknowledged_ && item.has_row && item.id_bytes == 0 && places.none_left_out();
    if (!ordinary) return false;
    if (!known_ || item.op != op_ || item.index != index_) prepare(item);
    out += begin_;
    if (filter_.identity) out += rows_.print(places.row_id(item));
    out += middle_;
    if (filter_.result) out += seqs_.print(places.seq(item));
    out += end_;
    return true;
  }

 private:
  void prepare(const BulkItem& item) {
    known_ = true;
    op_ = item.op;
    index_ = item.index;
    begin_ = "{\"" + std::string(kOps[static_cast<size_t>(item.op)]) + "\":{";
    if (filter_.identity) {
      begin_ += "\"_index\":";
      model::append_json_string(writer_.request_.indexes[item.index], begin_);
      begin_ += ",\"_id\":\"" + writer_.places_.id_prefix();
    }
    middle_ = filter_.identity ? "\"" : "";
    if (filter_.result) middle_ += (filter_.identity ? "," : "") + std::string(kBeforeSeq);
    end_ = filter_.result ? kBehindSeq : "";
    bool first = !filter_.identity && !filter_.result;
    if (filter_.status) end_ += std::string(first ? "" : ",") + "\"status\":201";
    end_ += "}}";
  }

  const ItemWriter& writer_;
  const BulkReplyFilter& filter_;
  bool known_ = false;
  BulkOp op_ = BulkOp::kIndex;
  uint32_t index_ = 0;
  Counter rows_;
  Counter seqs_;
  std::string begin_;   // up to the row of the id
  std::string middle_;  // up to the _seq
  std::string end_;
};

bool path_names(std::string_view path, std::string_view part) {
  if (path.substr(0, 6) != "items.") return false;
  path.remove_prefix(6);
  size_t dot = path.find('.');
  if (dot == std::string_view::npos) return path == "*" || path == "**";
  path.remove_prefix(dot + 1);
  std::string_view name = path.substr(0, path.find('.'));
  return name == part || name == "*" || name == "**";
}

}  // namespace

BulkReplyFilter parse_filter_path(std::string_view filter_path) {
  if (filter_path.empty()) return {};
  BulkReplyFilter f{false, false, false, false, false, false, false};
  while (!filter_path.empty()) {
    std::string_view path = filter_path.substr(0, filter_path.find(','));
    filter_path.remove_prefix(std::min(filter_path.size(), path.size() + 1));
    if (path[0] == '-') return {};  // exclusions: answer in full
    bool all = path == "*" || path == "**" || path == "items" || path == "items.*";
    bool root = path == "*" || path == "**";
    f.took = f.took || root || path == "took";
    f.errors = f.errors || root || path == "errors";
    f.identity = f.identity || all || path_names(path, "_index") || path_names(path, "_id");
    f.result =
        f.result || all || path_names(path, "result") || path_names(path, "_seq_no") || path_names(path, "_version");
    f.status = f.status || all || path_names(path, "status") || path == "**.status";
    f.error = f.error || all || path_names(path, "error") || path == "**.error";
  }
  f.items = f.identity || f.result || f.status || f.error;
  return f;
}

std::string bulk_reply(const BulkRequest& request, const contract::Ack* ack, uint64_t took_ms,
                       const BulkReplyFilter& filter) {
  ItemWriter writer(request, ack, filter);
  bool errors =
      std::any_of(request.items.begin(), request.items.end(), [&](const BulkItem& i) { return writer.failed(i); });
  std::string out;
  out.reserve(64 + (filter.items ? request.items.size() * (filter.identity ? kItemBytes : 40) : 0));
  out += '{';
  if (filter.errors) out += errors ? "\"errors\":true," : "\"errors\":false,";
  if (filter.took) {
    out += "\"took\":";
    append_number(took_ms, out);
    out += ',';
  }
  if (filter.items) {
    out += "\"items\":[";
    size_t first = out.size();
    StoredItems stored(writer, filter);
    for (const BulkItem& item : request.items) {
      if (!filter.identity && !filter.status && !filter.result && !writer.failed(item))
        continue;  // only errors asked for
      if (out.size() != first) out += ',';
      if (stored.append(item, out)) continue;
      out += "{\"";
      out += kOps[static_cast<size_t>(item.op)];
      out += "\":{";
      writer.append(item, out);
      out += "}}";
    }
    out += "],";
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
  return out;
}

DocumentReply document_reply(const BulkRequest& request, const contract::Ack* ack) {
  BulkReplyFilter filter;
  filter.status = false;
  ItemWriter writer(request, ack, filter);
  const BulkItem& item = request.items.front();
  DocumentReply reply;
  reply.status = writer.status(item);
  reply.body = "{";
  if (writer.failed(item)) {
    std::string reason;
    writer.append_reason(item, reason);
    reply.body += "\"error\":{\"root_cause\":[" + reason + "]," + reason.substr(1) +
                  ",\"status\":" + std::to_string(reply.status);
  } else {
    writer.append(item, reply.body);
  }
  reply.body += '}';
  return reply;
}

}  // namespace clew::wire
