#include "collect/queue_entry.h"

#include <zstd.h>

#include "wire/batch_body.h"

namespace clew::collect {
namespace {

constexpr std::string_view kZstdMagic = "CLPZ";  // no part and no joined parts begin so
constexpr int kZstdLevel = 1;
constexpr uint64_t kBodyBytesMax = 512u << 20;  // of an entry that is read again here

}  // namespace

columnar::BatchEncoder::Use encoder_use(Compression compression) {
  using Use = columnar::BatchEncoder::Use;
  return compression == Compression::kLz4 ? Use::kTransfer : Use::kTransferPlain;
}

std::string make_entry(const std::vector<std::string>& parts, Compression compression) {
  if (compression != Compression::kZstd) return wire::join_parts(parts);
  std::string body;
  for (const std::string& part : parts) wire::append_part(part, body);
  std::string entry(kZstdMagic);
  entry.resize(kZstdMagic.size() + ZSTD_compressBound(body.size()));
  size_t bytes = ZSTD_compress(entry.data() + kZstdMagic.size(), entry.size() - kZstdMagic.size(), body.data(),
                               body.size(), kZstdLevel);
  if (ZSTD_isError(bytes) != 0) return wire::join_parts(parts);  // of memory: it goes as it is
  entry.resize(kZstdMagic.size() + bytes);
  return entry;
}

EntryBody body_of_entry(std::string_view entry) {
  EntryBody body;
  body.zstd = entry.starts_with(kZstdMagic);
  if (body.zstd) {
    body.bytes = entry.substr(kZstdMagic.size());
  } else {
    wire::append_entry(entry, body.bytes);
  }
  return body;
}

Result<std::string> plain_body_of_entry(std::string_view entry) {
  EntryBody body = body_of_entry(entry);
  if (!body.zstd) return std::move(body.bytes);
  unsigned long long bytes = ZSTD_getFrameContentSize(body.bytes.data(), body.bytes.size());
  if (bytes == ZSTD_CONTENTSIZE_UNKNOWN || bytes == ZSTD_CONTENTSIZE_ERROR || bytes > kBodyBytesMax) {
    return Error(Code::kCorrupt, "an entry of the queue is no zstd frame");
  }
  std::string plain(bytes, '\0');
  size_t got = ZSTD_decompress(plain.data(), plain.size(), body.bytes.data(), body.bytes.size());
  if (ZSTD_isError(got) != 0 || got != plain.size()) return Error(Code::kCorrupt, "an entry of the queue is damaged");
  return plain;
}

}  // namespace clew::collect
