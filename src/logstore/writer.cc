#include "logstore/writer.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "logstore/rows.h"

namespace clew::logstore {
namespace {

constexpr size_t kEncodersKept = 8;
constexpr uint64_t kOverloadFactor = 2;  // of the journal's budget

std::string reason_of(Code code) {
  switch (code) {
    case Code::kOverloaded: return "overloaded";
    case Code::kFull: return "full";
    case Code::kUnavailable: return "unavailable";
    case Code::kForbidden: return "forbidden";
    case Code::kLimit: return "dataset_limit";
    case Code::kTooLarge: return "too_large";
    case Code::kInvalid: return "invalid";
    default: return "io";
  }
}

using RowCounts = std::vector<std::pair<std::string, uint32_t>>;

RowCounts count_rows(const contract::Write& write) {
  RowCounts counts;
  for (const model::Batch& batch : write.batches) counts.emplace_back(batch.dataset(), batch.rows());
  return counts;
}

// `_id` of each row, empty where the client gave none.
std::vector<std::string_view> ids_of(const model::Batch& batch) {
  std::vector<std::string_view> out;
  const model::Column* ids = batch.find(model::kIdField);
  if (ids == nullptr || ids->values_count() == 0) return out;
  out.resize(batch.rows());
  size_t text = 0;
  for (const model::KindRun& run : ids->runs()) {
    if (!model::kind_has_text(run.kind)) continue;
    for (uint32_t i = 0; i < run.count; ++i) out[run.row + i] = ids->text_at(text + i);
    text += run.count;
  }
  return out;
}

bool has_times(const model::Batch& batch) {
  const model::Column* times = batch.find(model::kTimeField);
  return times != nullptr && times->runs().size() == 1 && times->runs()[0].row == 0 &&
         times->runs()[0].count == batch.rows() && times->runs()[0].kind == model::Kind::kTime;
}

}  // namespace

// Counts what becomes of a write that is answered without being stored.
contract::EventSink::Done Writer::counted(const contract::Write& write, contract::EventSink::Done done) {
  return [this, counts = count_rows(write), done = std::move(done)](Result<contract::Ack> answer) {
    for (const auto& [dataset, rows] : counts) {
      if (answer.ok()) {
        engine_.metrics.dataset(dataset).duplicate->add(rows);
      } else {
        engine_.metrics.reject(dataset, reason_of(answer.error().code()), rows);
      }
    }
    done(std::move(answer));
  };
}

void Writer::refuse(const contract::Write& write, const Error& error, const contract::EventSink::Done& done) {
  for (const auto& [dataset, rows] : count_rows(write)) engine_.metrics.reject(dataset, reason_of(error.code()), rows);
  done(error);
}

Status Writer::check(const contract::Write& write) const {
  if (write.access.tenant.get().size() > kTenantNameBytesMax)
    return Error(Code::kTooLarge, "the tenant's name is too long");
  if (write.key && (write.key->producer.empty() || write.key->producer.size() > kProducerBytesMax)) {
    return Error(Code::kInvalid, "a batch key's producer has 1 to 256 bytes");
  }
  if (write.key && write.key->producer.front() == '~') {
    return Error(Code::kInvalid, "a batch key's producer must not begin with ~");
  }
  for (const model::Batch& batch : write.batches) {
    const std::string& dataset = batch.dataset();
    if (dataset.empty() || dataset.size() > kDatasetNameBytesMax) {
      return Error(Code::kInvalid, "a dataset's name has 1 to 512 bytes, not " + std::to_string(dataset.size()));
    }
    const auto& allowed = write.access.datasets;
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), dataset) == allowed.end()) {
      return Error(Code::kForbidden, "no access to dataset " + quoted(dataset));
    }
    if (batch.rows() > 0 && !has_times(batch)) return Error(Code::kInvalid, "a row without _time");
    if (!engine_.catalog.admits({write.access.tenant.get(), dataset})) {
      return Error(Code::kLimit, "a tenant has at most " + std::to_string(kDatasetsMax) + " datasets");
    }
  }
  return {};
}

Status Writer::admit() const {
  CLEW_TRY(engine_.journal->health());
  if (!committer_.has_room()) return Error(Code::kOverloaded, "too many writes wait for the disk");
  if (engine_.journal->bytes() > kOverloadFactor * engine_.options.journal_budget_bytes) {
    return Error(Code::kOverloaded, "flushing to segments is behind; try again shortly");
  }
  return {};
}

// `create` rows whose `_id` was seen within a day are left out and named in the answer.
void Writer::leave_out_existing(contract::Write& write, PendingWrite& pending) {
  std::vector<std::set<uint32_t>> creates(write.batches.size());
  for (const contract::CreateRow& create : write.creates) {
    if (create.batch < creates.size()) creates[create.batch].insert(create.row);
  }
  for (uint32_t b = 0; b < write.batches.size(); ++b) {
    model::Batch& batch = write.batches[b];
    std::vector<uint32_t> existing = note_ids(batch, creates[b], pending);
    if (existing.empty()) continue;
    engine_.metrics.reject(batch.dataset(), "conflict", existing.size());
    model::Batch kept(batch.dataset());
    uint32_t begin = 0;
    for (uint32_t row : existing) {
      pending.commit.conflicts.push_back({b, row});
      append_rows(batch, begin, row, kept);
      begin = row + 1;
    }
    append_rows(batch, begin, batch.rows(), kept);
    batch = std::move(kept);
  }
}

// Notes every `_id` of a batch and gives the rows of creates that came before.
std::vector<uint32_t> Writer::note_ids(const model::Batch& batch, const std::set<uint32_t>& creates,
                                       PendingWrite& pending) {
  std::vector<uint32_t> existing;
  std::vector<std::string_view> ids = ids_of(batch);
  int64_t now = engine_.now();
  for (uint32_t row = 0; row < ids.size(); ++row) {
    if (ids[row].empty()) continue;
    if (creates.count(row) == 0) {
      engine_.created_ids.note(pending.commit.tenant, batch.dataset(), ids[row], now);
    } else if (engine_.created_ids.seen_or_note(pending.commit.tenant, batch.dataset(), ids[row], now)) {
      existing.push_back(row);
    } else {
      pending.created.emplace_back(batch.dataset(), std::string(ids[row]));
    }
  }
  return existing;
}

std::unique_ptr<columnar::BatchEncoder> Writer::take_encoder() {
  base::MutexLock lock(mutex_);
  if (encoders_.empty()) return std::make_unique<columnar::BatchEncoder>();
  auto encoder = std::move(encoders_.back());
  encoders_.pop_back();
  return encoder;
}

void Writer::give_encoder(std::unique_ptr<columnar::BatchEncoder> encoder) {
  base::MutexLock lock(mutex_);
  if (encoders_.size() < kEncodersKept) encoders_.push_back(std::move(encoder));
}

// A part is one granule of a query, so a greater batch becomes several parts of the same commit.
void Writer::encode(contract::Write& write, PendingWrite& pending) {
  std::unique_ptr<columnar::BatchEncoder> encoder = take_encoder();
  auto add = [&](const model::Batch& batch) {
    pending.parts.push_back(encoder->encode(batch));
    pending.ids.push_back(encoder->take_ids());
    pending.crcs.push_back(base::crc32c(pending.parts.back()));
    pending.bytes += pending.parts.back().size();
    pending.commit.parts.push_back({batch.dataset(), batch.rows()});
    pending.commit.rows += batch.rows();
    const std::vector<int64_t>& times = batch.find(model::kTimeField)->ints();
    auto [least, most] = std::minmax_element(times.begin(), times.end());
    engine_.catalog.note_fields({pending.commit.tenant, batch.dataset()}, batch, encoder->rest_names(), *least, *most);
  };
  for (const model::Batch& batch : write.batches) {
    if (batch.rows() > 0 && batch.rows() <= contract::kGranuleRowsMax) add(batch);
    if (batch.rows() <= contract::kGranuleRowsMax) continue;
    for (uint32_t begin = 0; begin < batch.rows(); begin += contract::kGranuleRowsMax) {
      model::Batch piece(batch.dataset());
      append_rows(batch, begin, std::min(begin + contract::kGranuleRowsMax, batch.rows()), piece);
      add(piece);
    }
  }
  give_encoder(std::move(encoder));
}

void Writer::write(contract::Write write, contract::EventSink::Done done) {
  for (const model::Batch& batch : write.batches) engine_.metrics.dataset(batch.dataset()).received->add(batch.rows());
  Status checked = check(write);
  if (checked.ok()) checked = admit();
  if (!checked.ok()) return refuse(write, checked.error(), done);

  PendingWrite pending;
  pending.commit.tenant = write.access.tenant.get();
  pending.commit.keyed = write.key.has_value();
  pending.commit.key = write.key ? *write.key : contract::BatchKey{engine_.own_producer, 0};
  if (write.key) {
    contract::Ack answer;
    contract::EventSink::Done repeated = counted(write, done);
    auto verdict = engine_.dedupe.begin(pending.commit.tenant, *write.key, repeated, answer);
    if (verdict == Dedupe::Verdict::kStored) return repeated(std::move(answer));
    if (verdict == Dedupe::Verdict::kWaiting) return;
  }
  leave_out_existing(write, pending);
  encode(write, pending);
  // A write without rows has nothing to make durable, unless its key is to be remembered.
  if (pending.commit.rows == 0 && !pending.commit.keyed) {
    return done(contract::Ack{.key = pending.commit.key,
                              .first_seq = Seq(engine_.catalog.up_to() + 1),
                              .first_row = 0,
                              .rows = 0,
                              .duplicate = false,
                              .conflicts = pending.commit.conflicts});
  }
  pending.done = std::move(done);
  Status taken = committer_.submit(pending);
  if (!taken.ok()) committer_.refuse(pending, taken.error());
}

}  // namespace clew::logstore
