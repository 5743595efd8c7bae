#include "logstore/commit.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "journal/record.h"

namespace clew::logstore {

std::string encode_commit(const Commit& commit) {
  std::string bytes;
  base::Writer out(bytes);
  out.u8(kCommitVersion);
  out.u8(commit.keyed ? 1 : 0);
  out.string(commit.tenant);
  out.string(commit.key.producer);
  out.varint(commit.key.sequence);
  out.varint(commit.first_seq);
  out.varint(commit.first_row);
  out.varint(commit.rows);
  out.i64(commit.commit_time);
  out.varint(commit.parts.size());
  for (const CommitPart& part : commit.parts) {
    out.string(part.dataset);
    out.varint(part.rows);
  }
  out.varint(commit.conflicts.size());
  for (const contract::CreateRow& row : commit.conflicts) {
    out.varint(row.batch);
    out.varint(row.row);
  }
  return bytes;
}

Result<Commit> decode_commit(std::string_view meta) {
  base::Reader in(meta);
  uint8_t version = in.u8();
  if (!in.failed() && version != kCommitVersion) {
    return Error(Code::kUnsupported, "commit version " + std::to_string(version));
  }
  Commit commit;
  commit.keyed = (in.u8() & 1) != 0;
  commit.tenant = in.string();
  commit.key.producer = in.string();
  commit.key.sequence = in.varint();
  commit.first_seq = in.varint();
  commit.first_row = in.varint();
  commit.rows = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  commit.commit_time = in.i64();
  uint64_t parts = in.varint_max(journal::kBlobsMax);
  uint64_t rows = 0;
  for (uint64_t i = 0; i < parts && !in.failed(); ++i) {
    CommitPart part;
    part.dataset = in.string();
    part.rows = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    rows += part.rows;
    commit.parts.push_back(std::move(part));
  }
  uint64_t conflicts = in.varint_max(UINT32_MAX);
  for (uint64_t i = 0; i < conflicts && !in.failed(); ++i) {
    contract::CreateRow row;
    row.batch = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    row.row = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    commit.conflicts.push_back(row);
  }
  CLEW_TRY(in.finish());
  if (rows != commit.rows) return Error(Code::kCorrupt, "a commit's rows are not the sum of its parts");
  return commit;
}

std::string describe_commit(std::string_view meta) {
  Result<Commit> commit = decode_commit(meta);
  if (!commit.ok()) return "not a commit: " + commit.error().message();
  std::string out =
      fmt::format("tenant {} key {}:{}{} seq {} rows {}", commit->tenant, commit->key.producer, commit->key.sequence,
                  commit->keyed ? "" : " (keyless)", commit->first_seq, commit->rows);
  for (const CommitPart& part : commit->parts) out += fmt::format(" {}={}", part.dataset, part.rows);
  if (!commit->conflicts.empty()) out += fmt::format(" conflicts {}", commit->conflicts.size());
  return out;
}

}  // namespace clew::logstore
