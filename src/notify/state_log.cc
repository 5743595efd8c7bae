#include "notify/state_log.h"

#include <algorithm>

#include "base/bytes.h"

namespace clew::notify {
namespace {

constexpr uint64_t kCompactBytesMin = 1u << 20;
constexpr uint64_t kCompactFactor = 4;
constexpr size_t kMetaBytes = 1u << 20;  // of one journal record; below journal::kMetaBytesMax

// Records that are written together stand in few entries of the journal, each with its length before it.
std::vector<std::string> packed(const std::vector<std::string>& records) {
  std::vector<std::string> out(1);
  for (const std::string& record : records) {
    if (out.back().size() + record.size() > kMetaBytes && !out.back().empty()) out.emplace_back();
    base::Writer(out.back()).string(record);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<StateLog>> StateLog::open(os::Disk& disk, os::Rng& rng, const std::string& dir, Records& found) {
  CLEW_TRY(disk.make_dirs(dir));
  std::unique_ptr<StateLog> log(new StateLog);
  journal::RecoveryReport report;
  journal::JournalOptions options{.first_file_bytes = 1u << 20, .file_bytes = 4u << 20};
  auto each = [&](journal::RecoveredRecord&& recovered) -> Status {
    base::Reader in(recovered.record.meta);
    log->bytes_written_ += recovered.record.meta.size();
    while (!in.failed() && in.remaining() > 0) {
      std::string record(in.string());
      if (in.failed()) break;
      Status applied = apply_record(record, found);
      if (applied.ok()) continue;
      if (applied.error().code() == Code::kUnsupported) return applied;
      ++log->damaged_;
    }
    if (in.failed()) ++log->damaged_;
    return {};
  };
  log->journal_ = CLEW_TRY(journal::Journal::open(disk, rng, dir, options, each, report));
  log->damaged_ += report.damaged_records;
  return log;
}

Status StateLog::write(const std::vector<std::string>& records) {
  if (records.empty()) return {};
  std::vector<std::string> metas = packed(records);
  std::vector<journal::Entry> entries;
  for (const std::string& meta : metas) {
    entries.push_back({.meta = meta, .blobs = {}});
    bytes_written_ += meta.size();
  }
  CLEW_TRY(journal_->append(entries));
  return {};
}

bool StateLog::wants_compaction() const {
  return bytes_written_ > std::max(kCompactBytesMin, bytes_whole_ * kCompactFactor);
}

Status StateLog::compact(const Records& all) {
  std::vector<uint64_t> before = journal_->file_numbers();
  bytes_written_ = 0;
  CLEW_TRY(write(encode_all(all)));
  bytes_whole_ = bytes_written_;
  bytes_written_ = 0;
  for (uint64_t number : before) {
    if (number != journal_->current_file()) CLEW_TRY(journal_->remove_file(number));
  }
  return {};
}

}  // namespace clew::notify
