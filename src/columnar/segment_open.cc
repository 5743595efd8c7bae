#include "columnar/segment_open.h"

#include <algorithm>

#include "base/hash.h"

namespace clew::columnar {
namespace {

Result<Trailer> find_trailer(const os::File& file, std::string_view end, std::string& notes) {
  Result<Trailer> last = read_trailer(end.substr(end.size() - kTrailerBytes));
  if (last.ok() || last.error().code() == Code::kUnsupported) return last;
  notes += "the last trailer is damaged\n";
  std::string front = CLEW_TRY(file.read_at(0, kTrailerBytes));
  Result<Trailer> first = read_trailer(front);
  return first.ok() ? std::move(first) : std::move(last);
}

Result<Tail> load_tail(const os::File& file, const Trailer& trailer, int copy, std::string_view end,
                       uint64_t file_bytes) {
  uint64_t offset = trailer.tail_offsets[copy];
  if (offset > file_bytes || trailer.tail_bytes > file_bytes - offset || trailer.tail_bytes > kTailBytesMax) {
    return Error(Code::kCorrupt, "a tail outside of its file");
  }
  uint64_t end_begin = file_bytes - end.size();
  std::string read;
  std::string_view bytes;
  if (offset >= end_begin) {
    bytes = end.substr(offset - end_begin, trailer.tail_bytes);
  } else {
    read = CLEW_TRY(file.read_at(offset, trailer.tail_bytes));
    bytes = read;
  }
  if (base::crc32c(bytes) != trailer.tail_crc) return Error(Code::kCorrupt, "checksum of a tail");
  return read_tail(bytes, file_bytes);
}

Result<Tail> open_tail(const os::File& file, std::string& notes) {
  uint64_t file_bytes = CLEW_TRY(file.size_bytes());
  if (file_bytes < 2 * kTrailerBytes) return Error(Code::kCorrupt, "shorter than its trailers");
  uint64_t end_bytes = std::min<uint64_t>(file_bytes, kFirstReadBytes);
  std::string end = CLEW_TRY(file.read_at(file_bytes - end_bytes, end_bytes));
  Trailer trailer = CLEW_TRY(find_trailer(file, end, notes));
  if (trailer.file_bytes != file_bytes) return Error(Code::kCorrupt, "a segment of another length");
  // The second tail is nearer to the end, and so more often in what was read already.
  Result<Tail> second = load_tail(file, trailer, 1, end, file_bytes);
  if (second.ok()) return second;
  notes += "the second tail is damaged\n";
  return load_tail(file, trailer, 0, end, file_bytes);
}

}  // namespace

Result<OpenedTail> open_segment_tail(os::Disk& disk, const std::string& path) {
  OpenedTail opened;
  opened.file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  Result<Tail> tail = open_tail(*opened.file, opened.notes);
  if (!tail.ok()) return std::move(tail).error().at(path);
  opened.tail = std::move(tail).take();
  return opened;
}

}  // namespace clew::columnar
