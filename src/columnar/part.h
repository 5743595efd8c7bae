// Parts: encoded batches (docs/formats/batch.md). The journal, the disk queue and the agent's request body hold them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columnar/directory.h"
#include "columnar/id_filter.h"
#include "columnar/row_source.h"
#include "model/batch.h"
#include "os/disk.h"

namespace clew::columnar {

// Encodes a batch for the journal: cheap encodings, lz4. Values are given back exactly.
// Cost: CPU only, on the caller's thread; keep one encoder per thread, it reuses its memory.
class BatchEncoder {
 public:
  // What the part is for. One on its way (kTransfer) is written and read once: texts are not cut into templates, which
  // takes more time than all the rest; kTransferPlain compresses nothing either.
  enum class Use : uint8_t { kKeep, kTransfer, kTransferPlain };
  explicit BatchEncoder(Use use = Use::kKeep);
  ~BatchEncoder();
  // Requires: batch.rows() > 0 and a `_time` in every row.
  std::string encode(const model::Batch& batch);
  // The fields in `_rest` of the batch encoded last, rising by name.
  const std::vector<RestName>& rest_names() const;
  // The ids of the batch that was encoded last; null when it has none.
  IdFiltersPtr take_ids();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Decodes a part back to a batch; the inverse of BatchEncoder::encode.
// Errors: kCorrupt, kUnsupported; kTooLarge when its texts have more than `text_bytes_max` together.
constexpr uint64_t kTextBytesUnlimited = UINT64_MAX;
Result<model::Batch> decode_batch(std::string_view bytes, uint64_t text_bytes_max = kTextBytesUnlimited);

// Opens a part that lies in a file (a journal), reading its header now and its columns when asked.
// `commits` name its rows in order.
// Errors: kCorrupt, kUnsupported, kIo.
Result<RowSourcePtr> open_part(std::shared_ptr<const os::File> file, uint64_t offset, uint64_t bytes,
                               std::vector<CommitRange> commits, IdFiltersPtr ids = nullptr);
// The same for a part in memory.
Result<RowSourcePtr> open_part(std::shared_ptr<const std::string> bytes, std::vector<CommitRange> commits);

}  // namespace clew::columnar
