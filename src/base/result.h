// Result<T>: a value or an Error, by value. clew does not throw (docs/decisions/0001-errors-by-value.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace clew {

// Why something failed. Each code maps one to one onto HTTP and gRPC status (net/status.h).
enum class Code : uint8_t {
  kInvalid = 1,       // the caller's bytes, query or configuration are wrong
  kNotFound = 2,      // the named thing does not exist
  kExists = 3,        // the named thing exists already, or is locked by another process
  kTooLarge = 4,      // over a limit of DESIGN.md section 13a
  kOverloaded = 5,    // come back later: a queue or budget is full
  kUnsupported = 6,   // a version, encoding or feature that this build does not know
  kCorrupt = 7,       // bytes on disk fail their checksum or their own rules
  kIo = 8,            // the operating system refused
  kFull = 9,          // the disk is full, or under its reserve
  kCancelled = 10,    // the caller went away
  kDeadline = 11,     // a time limit passed
  kLimit = 12,        // a query reached its memory or group limit
  kForbidden = 13,    // not allowed for this caller
  kUnavailable = 14,  // the component is closed, sealed or not yet ready
  kInternal = 15,     // our own mistake that did not deserve a crash
};

std::string_view code_name(Code code);

// Error is one pointer. Messages: lower case, no full stop, the offending value quoted and cut to 80 bytes.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : rep_(std::make_unique<Rep>(Rep{code, std::move(message)})) {}
  Error(const Error& other) : rep_(std::make_unique<Rep>(*other.rep_)) {}
  Error(Error&&) noexcept = default;
  Error& operator=(const Error& other) {
    rep_ = std::make_unique<Rep>(*other.rep_);
    return *this;
  }
  Error& operator=(Error&&) noexcept = default;

  Code code() const { return rep_->code; }
  const std::string& message() const { return rep_->message; }

  // Adds where it happened: "WHERE: message".
  Error at(std::string_view where) && {
    rep_->message.insert(0, std::string(where) + ": ");
    return std::move(*this);
  }

 private:
  struct Rep {
    Code code;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires: ok().
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  T take() && { return std::move(*std::get_if<0>(&state_)); }

  // Requires: !ok().
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::make_unique<Error>(std::move(error))) {}  // NOLINT: implicit on purpose
  Result(const Result& other) : error_(other.error_ ? std::make_unique<Error>(*other.error_) : nullptr) {}
  Result(Result&&) noexcept = default;
  Result& operator=(const Result& other) {
    error_ = other.error_ ? std::make_unique<Error>(*other.error_) : nullptr;
    return *this;
  }
  Result& operator=(Result&&) noexcept = default;

  bool ok() const { return error_ == nullptr; }
  explicit operator bool() const { return ok(); }
  void take() && {}

  // Requires: !ok().
  const Error& error() const& { return *error_; }
  Error error() && { return std::move(*error_); }

 private:
  std::unique_ptr<Error> error_;
};

using Status = Result<void>;

inline Status ok_status() { return {}; }

// Quotes and cuts a value for an error message.
std::string quoted(std::string_view value);

}  // namespace clew

// Gives the value of a Result or returns its error from the enclosing function.
// Stands alone, after `=`, or after `return`; nowhere else (tools/tidy.py): inside braces beside another temporary both
// g++ 12 and clang 14 skip a destructor on the early exit.
#define CLEW_TRY(...)                            \
  __extension__({                                \
    auto clew_try_result = (__VA_ARGS__);        \
    if (!clew_try_result.ok()) [[unlikely]]      \
      return std::move(clew_try_result).error(); \
    std::move(clew_try_result).take();           \
  })
