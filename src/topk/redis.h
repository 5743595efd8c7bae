// A small client of Redis: commands and their answers over one connection (RESP 2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/socket.h"

namespace clew::topk {

// redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]
struct RedisAddress {
  std::string host;
  uint16_t port = 6379;
  std::string user;
  std::string password;
  uint32_t database = 0;
  // Without the password.
  std::string text() const;
};
// Errors: kInvalid, with how it is written.
Result<RedisAddress> parse_redis_address(std::string_view text);

struct RedisReply {
  enum class Kind : uint8_t { kText, kError, kNumber, kNull, kList };
  Kind kind = Kind::kNull;
  std::string text;  // also of an error
  int64_t number = 0;
  std::vector<RedisReply> items;
};

// A command as it is sent.
void append_command(const std::vector<std::string>& words, std::string& out);
// The first reply in `bytes`, whose bytes are taken off; nothing when it is not whole yet.
// Errors: kCorrupt for what is none, kTooLarge beyond the limits.
Result<std::unique_ptr<RedisReply>> take_reply(std::string_view& bytes);

// Threads: one at a time.
class Redis {
 public:
  explicit Redis(RedisAddress address) : address_(std::move(address)) {}

  // Sends commands together and gives an answer for each; connects where there is no connection.
  // Errors: kUnavailable when it cannot be reached or the connection breaks (some may have been done);
  //         kForbidden when it refuses the password; kCorrupt; kDeadline after 5 seconds. There is no connection then.
  Result<std::vector<RedisReply>> call(const std::vector<std::vector<std::string>>& commands);
  const RedisAddress& address() const { return address_; }

 private:
  Status connect();
  Result<std::vector<RedisReply>> exchange(const std::vector<std::vector<std::string>>& commands);
  Status wait(short events, uint64_t until_ns) const;

  const RedisAddress address_;
  net::Descriptor socket_;
};

}  // namespace clew::topk
