#include "net/decompress.h"

#include <libdeflate.h>
#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace clew::net {
namespace {

constexpr size_t kDeflateRatioMax = 1032;  // deflate cannot expand further; an announced size beyond it is a lie
constexpr size_t kGzipTrailerBytes = 8;

Error too_large(uint64_t bytes_max) {
  return Error(Code::kTooLarge, "the decoded body is larger than " + std::to_string(bytes_max) + " bytes");
}

Error malformed(const char* what) { return Error(Code::kInvalid, std::string("the body is not valid ") + what); }

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
using Decompressor = std::unique_ptr<libdeflate_decompressor, FreeDecompressor>;

// Grows `out` for the next try: first to the guess, then twofold.
Status grow(Buffer& out, size_t guess, uint64_t bytes_max) {
  if (out.capacity() >= bytes_max) return too_large(bytes_max);
  size_t wanted = std::max({guess, out.capacity() * 2, size_t{4096}});
  return out.reserve(static_cast<size_t>(std::min<uint64_t>(wanted, bytes_max)));
}

// One member of gzip, zlib or raw deflate by `decode`, at the end of `out`. Gives the bytes read.
template <class Decode>
Result<size_t> inflate_member(Decode decode, std::string_view in, size_t guess, uint64_t bytes_max, const char* what,
                              Buffer& out) {
  if (out.free_bytes() < guess) CLEW_TRY(grow(out, out.size() + guess, bytes_max));
  while (true) {
    size_t in_used = 0;
    size_t out_used = 0;
    libdeflate_result result = decode(in.data(), in.size(), out.free_space(), out.free_bytes(), &in_used, &out_used);
    if (result == LIBDEFLATE_SUCCESS) {
      out.advance(out_used);
      return in_used;
    }
    if (result != LIBDEFLATE_INSUFFICIENT_SPACE) return malformed(what);
    CLEW_TRY(grow(out, 0, bytes_max));
  }
}

size_t deflate_guess(std::string_view in, size_t announced) {
  return std::min(announced, in.size() * kDeflateRatioMax + 64);
}

Status gunzip(std::string_view in, uint64_t bytes_max, Buffer& out) {
  Decompressor d(libdeflate_alloc_decompressor());
  auto decode = [&](const void* from, size_t from_bytes, void* to, size_t to_bytes, size_t* in_used, size_t* out_used) {
    return libdeflate_gzip_decompress_ex(d.get(), from, from_bytes, to, to_bytes, in_used, out_used);
  };
  if (in.size() < kGzipTrailerBytes) return malformed("gzip");
  while (!in.empty()) {
    // The last member's trailer says its size; right for the usual single member, a first guess for others.
    uint32_t announced = 0;
    std::memcpy(&announced, in.data() + in.size() - sizeof announced, sizeof announced);
    size_t guess = deflate_guess(in, announced);
    if (out.size() + guess > bytes_max) guess = kDecodeWindowBytes;
    size_t used = CLEW_TRY(inflate_member(decode, in, guess, bytes_max, "gzip", out));
    in.remove_prefix(used);
    // Some writers pad the last member with zeros.
    if (in.find_first_not_of('\0') == std::string_view::npos) break;
  }
  return {};
}

Status inflate(std::string_view in, uint64_t bytes_max, Buffer& out) {
  Decompressor d(libdeflate_alloc_decompressor());
  size_t guess = std::min<size_t>(deflate_guess(in, in.size() * 4), kDecodeWindowBytes);
  auto zlib = [&](const void* from, size_t from_bytes, void* to, size_t to_bytes, size_t* in_used, size_t* out_used) {
    return libdeflate_zlib_decompress_ex(d.get(), from, from_bytes, to, to_bytes, in_used, out_used);
  };
  Result<size_t> wrapped = inflate_member(zlib, in, guess, bytes_max, "deflate", out);
  if (wrapped.ok() || wrapped.error().code() != Code::kInvalid) {
    if (!wrapped.ok()) return wrapped.error();
    return {};
  }
  auto raw = [&](const void* from, size_t from_bytes, void* to, size_t to_bytes, size_t* in_used, size_t* out_used) {
    return libdeflate_deflate_decompress_ex(d.get(), from, from_bytes, to, to_bytes, in_used, out_used);
  };
  out.clear();
  CLEW_TRY(inflate_member(raw, in, guess, bytes_max, "deflate", out));
  return {};
}

Status unzstd(std::string_view in, uint64_t bytes_max, Buffer& out) {
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  unsigned long long announced = ZSTD_getFrameContentSize(in.data(), in.size());
  if (announced == ZSTD_CONTENTSIZE_ERROR) return malformed("zstd");
  if (announced != ZSTD_CONTENTSIZE_UNKNOWN && announced > bytes_max) return too_large(bytes_max);
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  size_t wanted_input = 1;
  while (from.pos < from.size || wanted_input != 0) {
    if (out.free_bytes() == 0) {
      if (out.size() >= bytes_max) return too_large(bytes_max);
      CLEW_TRY(out.reserve(static_cast<size_t>(std::min<uint64_t>(out.size() + kDecodeWindowBytes, bytes_max))));
    }
    ZSTD_outBuffer to{out.free_space(), out.free_bytes(), 0};
    size_t in_before = from.pos;
    wanted_input = ZSTD_decompressStream(context.get(), &to, &from);
    if (ZSTD_isError(wanted_input)) {
      if (std::string_view(ZSTD_getErrorName(wanted_input)).find("memory") != std::string_view::npos) {
        return Error(Code::kTooLarge, "the zstd window is larger than 8 MiB");
      }
      return malformed("zstd");
    }
    out.advance(to.pos);
    if (to.pos == 0 && from.pos == in_before) break;
  }
  if (wanted_input != 0) {
    if (out.size() >= bytes_max) return too_large(bytes_max);
    return malformed("zstd: it ends early");
  }
  return {};
}

Status unsnap(std::string_view in, uint64_t bytes_max, Buffer& out) {
  size_t announced = 0;
  if (!snappy::GetUncompressedLength(in.data(), in.size(), &announced)) return malformed("snappy");
  if (announced > bytes_max) return too_large(bytes_max);
  if (!snappy::IsValidCompressedBuffer(in.data(), in.size())) return malformed("snappy");
  CLEW_TRY(out.reserve(std::max<size_t>(announced, 1)));
  if (!snappy::RawUncompress(in.data(), in.size(), out.data())) return malformed("snappy");
  out.advance(announced);
  return {};
}

Status copy(std::string_view in, uint64_t bytes_max, Buffer& out) {
  if (in.size() > bytes_max) return too_large(bytes_max);
  CLEW_TRY(out.reserve(std::max<size_t>(in.size(), 1)));
  std::memcpy(out.data(), in.data(), in.size());
  out.advance(in.size());
  return {};
}

Status decompress_unsealed(Encoding encoding, std::string_view in, uint64_t bytes_max, Buffer& out) {
  switch (encoding) {
    case Encoding::kIdentity: return copy(in, bytes_max, out);
    case Encoding::kGzip: return gunzip(in, bytes_max, out);
    case Encoding::kDeflate: return inflate(in, bytes_max, out);
    case Encoding::kZstd: return unzstd(in, bytes_max, out);
    case Encoding::kSnappy: return unsnap(in, bytes_max, out);
  }
  return Error(Code::kInternal, "no such encoding");
}

}  // namespace

Result<Encoding> parse_encoding(std::string_view header) {
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
  if (header.empty() || header == "identity") return Encoding::kIdentity;
  if (header == "gzip" || header == "x-gzip") return Encoding::kGzip;
  if (header == "deflate") return Encoding::kDeflate;
  if (header == "zstd") return Encoding::kZstd;
  if (header == "snappy") return Encoding::kSnappy;
  return Error(Code::kUnsupported, "content encoding " + quoted(header) + " (known: gzip, deflate, zstd, snappy)");
}

Status decompress(Encoding encoding, std::string_view in, uint64_t bytes_max, Buffer& out) {
  out.clear();
  CLEW_TRY(decompress_unsealed(encoding, in, bytes_max, out));
  CLEW_TRY(out.reserve(1));
  out.seal();
  return {};
}

}  // namespace clew::net
