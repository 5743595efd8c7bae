// Different things get different types.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace clew {

// A value of T that belongs to one idea (Tag) and converts to nothing else.
template <class Tag, class T>
class Named {
 public:
  constexpr Named() = default;
  constexpr explicit Named(T value) : value_(std::move(value)) {}
  constexpr const T& get() const { return value_; }
  friend constexpr auto operator<=>(const Named&, const Named&) = default;

 private:
  T value_{};
};

// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted; covers 1677-09-21 to 2262-04-11.
using UnixNanos = Named<struct UnixNanosTag, int64_t>;
// A tenant's name, as configured; on disk a hash of it. "default" where none is named.
using TenantId = Named<struct TenantIdTag, std::string>;
// Position of an event in the commit order of one store; begins at 1, kept by merges.
using Seq = Named<struct SeqTag, uint64_t>;

}  // namespace clew

template <class Tag, class T>
struct std::hash<clew::Named<Tag, T>> {
  size_t operator()(const clew::Named<Tag, T>& v) const { return std::hash<T>()(v.get()); }
};
