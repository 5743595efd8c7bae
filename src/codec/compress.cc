#include "codec/compress.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace clew::codec {
namespace {

// Making a context costs more than compressing a small piece, so each thread keeps its own.
ZSTD_CCtx* zstd_compressor() {
  struct Free {
    void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  };
  static thread_local std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* zstd_decompressor() {
  struct Free {
    void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
  };
  static thread_local std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  return context.get();
}

// Compresses to the end of `out` and gives the bytes written, 0 when it failed.
size_t compress_piece(std::string_view raw, Method method, std::string& out) {
  size_t begin = out.size();
  size_t written = 0;
  if (method == Method::kLz4) {
    int bound = LZ4_compressBound(static_cast<int>(raw.size()));
    out.resize(begin + static_cast<size_t>(bound));
    int n = LZ4_compress_fast(raw.data(), out.data() + begin, static_cast<int>(raw.size()), bound, 1);
    written = n > 0 ? static_cast<size_t>(n) : 0;
  } else if (method == Method::kZstd) {
    size_t bound = ZSTD_compressBound(raw.size());
    out.resize(begin + bound);
    size_t n = ZSTD_compressCCtx(zstd_compressor(), out.data() + begin, bound, raw.data(), raw.size(), kZstdLevel);
    written = ZSTD_isError(n) ? 0 : n;
  }
  return written;
}

void write_piece(std::string_view raw, Method method, std::string& out) {
  static thread_local std::string compressed;
  compressed.clear();
  size_t n = raw.size() < 32 ? 0 : compress_piece(raw, method, compressed);
  bool worth = n > 0 && n + raw.size() / 16 < raw.size();
  base::Writer w(out);
  w.u8(static_cast<uint8_t>(worth ? method : Method::kStored));
  w.string(worth ? std::string_view(compressed).substr(0, n) : raw);
}

Status read_piece(Method method, std::string_view stored, size_t raw_bytes, std::string& out) {
  if (method == Method::kStored) {
    if (stored.size() != raw_bytes) return Error(Code::kCorrupt, "stored piece of another length");
    out.append(stored);
    return {};
  }
  size_t begin = out.size();
  out.resize(begin + raw_bytes);
  bool good = false;
  if (method == Method::kLz4) {
    int n = LZ4_decompress_safe(stored.data(), out.data() + begin, static_cast<int>(stored.size()),
                                static_cast<int>(raw_bytes));
    good = n >= 0 && static_cast<size_t>(n) == raw_bytes;
  } else if (method == Method::kZstd) {
    size_t n = ZSTD_decompressDCtx(zstd_decompressor(), out.data() + begin, raw_bytes, stored.data(), stored.size());
    good = !ZSTD_isError(n) && n == raw_bytes;
  } else {
    return Error(Code::kUnsupported, "unknown compression method");
  }
  if (!good) return Error(Code::kCorrupt, "a compressed piece does not decompress");
  return {};
}

}  // namespace

void write_packed(std::string_view raw, Method method, std::string& out) {
  base::Writer(out).varint(raw.size());
  for (size_t at = 0; at < raw.size(); at += kPieceBytes) write_piece(raw.substr(at, kPieceBytes), method, out);
}

Status read_packed(base::Reader& in, std::string& out) {
  uint64_t left = in.varint();
  while (left > 0 && !in.failed()) {
    size_t raw_bytes = static_cast<size_t>(std::min<uint64_t>(left, kPieceBytes));
    auto method = static_cast<Method>(in.u8());
    std::string_view stored = in.string();
    if (in.failed()) break;
    CLEW_TRY(read_piece(method, stored, raw_bytes, out));
    left -= raw_bytes;
  }
  return in.status();
}

}  // namespace clew::codec
