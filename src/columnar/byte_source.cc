#include "columnar/byte_source.h"

#include "base/check.h"

namespace clew::columnar {

Result<Bytes> ByteSource::read(uint64_t offset, uint64_t bytes) const {
  if (offset > bytes_ || bytes > bytes_ - offset) return Error(Code::kCorrupt, "a read outside of its range");
  if (memory_) return Bytes{std::string_view(*memory_).substr(offset_ + offset, bytes), memory_};
  auto owned = std::make_shared<std::string>();
  *owned = CLEW_TRY(file_->read_at(offset_ + offset, bytes));
  return Bytes{*owned, owned};
}

ByteSource ByteSource::from(uint64_t offset) const {
  CHECK(offset <= bytes_, offset, bytes_);
  ByteSource rest = *this;
  rest.offset_ += offset;
  rest.bytes_ -= offset;
  return rest;
}

}  // namespace clew::columnar
