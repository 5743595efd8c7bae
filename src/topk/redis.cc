#include "topk/redis.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

namespace clew::topk {
namespace {

constexpr size_t kReplyBytesMax = 64u << 20;
constexpr int64_t kItemsMax = 1'000'000;
constexpr int kReplyDepthMax = 8;
constexpr uint64_t kCallNs = 5'000'000'000;
constexpr uint32_t kDatabasesMost = 1'000'000;

uint64_t steady_ns() { return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }

Error unavailable(const RedisAddress& address, const std::string& why) {
  return Error(Code::kUnavailable, address.text() + ": " + why);
}

struct AddressList {
  addrinfo* first = nullptr;
  ~AddressList() {
    if (first != nullptr) freeaddrinfo(first);
  }
};

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    bool escape = text[i] == '%' && i + 2 < text.size() &&
                  std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3;
    out.push_back(escape ? static_cast<char>(value) : text[i]);
    if (escape) i += 2;
  }
  return out;
}

class ReplyReader {
 public:
  explicit ReplyReader(std::string_view bytes) : bytes_(bytes) {}

  // False when the bytes end before it does.
  Result<bool> read(RedisReply& out, int depth) {
    if (depth > kReplyDepthMax) return Error(Code::kTooLarge, "a reply of Redis is nested too deep");
    std::string_view line;
    if (!take_line(line)) return false;
    if (line.empty()) return malformed(line);
    char kind = line[0];
    line.remove_prefix(1);
    if (kind == '+' || kind == '-') {
      out.kind = kind == '+' ? RedisReply::Kind::kText : RedisReply::Kind::kError;
      out.text = line;
      return true;
    }
    int64_t number = 0;
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc() || end != line.data() + line.size()) return malformed(line);
    if (kind == ':') {
      out.kind = RedisReply::Kind::kNumber;
      out.number = number;
      return true;
    }
    if (kind == '$') return read_text(number, out);
    if (kind == '*') return read_list(number, out, depth);
    return malformed(line);
  }
  size_t taken() const { return at_; }

 private:
  static Error malformed(std::string_view line) {
    return Error(Code::kCorrupt, "not an answer of Redis: " + clew::quoted(line));
  }
  bool take_line(std::string_view& line) {
    size_t end = bytes_.find("\r\n", at_);
    if (end == bytes_.npos) return false;
    line = bytes_.substr(at_, end - at_);
    at_ = end + 2;
    return true;
  }
  Result<bool> read_text(int64_t bytes, RedisReply& out) {
    if (bytes == -1) return true;
    if (bytes < 0 || static_cast<uint64_t>(bytes) > kReplyBytesMax) {
      return Error(Code::kTooLarge, fmt::format("a text of {} bytes from Redis", bytes));
    }
    auto length = static_cast<size_t>(bytes);
    if (bytes_.size() - at_ < length + 2) return false;
    out.kind = RedisReply::Kind::kText;
    out.text = bytes_.substr(at_, length);
    if (bytes_.substr(at_ + length, 2) != "\r\n") return malformed(out.text);
    at_ += length + 2;
    return true;
  }
  Result<bool> read_list(int64_t items, RedisReply& out, int depth) {
    if (items == -1) return true;
    if (items < 0 || items > kItemsMax) return Error(Code::kTooLarge, fmt::format("a list of {} from Redis", items));
    out.kind = RedisReply::Kind::kList;
    for (int64_t i = 0; i < items; ++i) {
      bool whole = CLEW_TRY(read(out.items.emplace_back(), depth + 1));
      if (!whole) return false;
    }
    return true;
  }

  const std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace

std::string RedisAddress::text() const {
  return fmt::format("redis://{}{}:{}/{}", user.empty() ? "" : user + "@", host, port, database);
}

Result<RedisAddress> parse_redis_address(std::string_view text) {
  auto wrong = [text] {
    return Error(Code::kInvalid, clew::quoted(text) + ": write redis://HOST:6379/0, or redis://:PASSWORD@HOST:6379/0");
  };
  constexpr std::string_view kScheme = "redis://";
  if (!text.starts_with(kScheme)) return wrong();
  std::string_view rest = text.substr(kScheme.size());
  RedisAddress out;
  if (size_t at = rest.rfind('@'); at != rest.npos) {
    std::string_view who = rest.substr(0, at);
    size_t colon = who.find(':');
    if (colon == who.npos) return wrong();
    out.user = decoded(who.substr(0, colon));
    out.password = decoded(who.substr(colon + 1));
    rest.remove_prefix(at + 1);
  }
  if (size_t slash = rest.find('/'); slash != rest.npos) {
    std::string_view number = rest.substr(slash + 1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.database);
    bool right = number.empty() || (error == std::errc() && end == number.data() + number.size());
    if (!right || out.database > kDatabasesMost) return wrong();
    rest = rest.substr(0, slash);
  }
  size_t colon = rest.rfind(':');
  if (rest.starts_with('[')) {
    size_t close = rest.find(']');
    if (close == rest.npos) return wrong();
    colon = close + 1 < rest.size() ? close + 1 : rest.npos;
    out.host = rest.substr(1, close - 1);
    if (colon != rest.npos && rest[colon] != ':') return wrong();
  } else {
    out.host = rest.substr(0, colon);
  }
  if (colon != rest.npos) {
    std::string_view port = rest.substr(colon + 1);
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return wrong();
  }
  if (out.host.empty()) return wrong();
  return out;
}

void append_command(const std::vector<std::string>& words, std::string& out) {
  out += fmt::format("*{}\r\n", words.size());
  for (const std::string& word : words) {
    out += fmt::format("${}\r\n", word.size());
    out += word;
    out += "\r\n";
  }
}

Result<std::unique_ptr<RedisReply>> take_reply(std::string_view& bytes) {
  if (bytes.size() > kReplyBytesMax) return Error(Code::kTooLarge, "a reply of Redis of more than 64 MiB");
  ReplyReader reader(bytes);
  auto reply = std::make_unique<RedisReply>();
  bool whole = CLEW_TRY(reader.read(*reply, 0));
  if (!whole) return std::unique_ptr<RedisReply>();
  bytes.remove_prefix(reader.taken());
  return reply;
}

Status Redis::wait(short events, uint64_t until_ns) const {
  while (true) {
    uint64_t now = steady_ns();
    if (now >= until_ns) return Error(Code::kDeadline, address_.text() + ": no answer within 5 seconds");
    pollfd poll_for{.fd = socket_.fd(), .events = events, .revents = 0};
    int ready = ::poll(&poll_for, 1, static_cast<int>((until_ns - now) / 1'000'000 + 1));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return unavailable(address_, std::strerror(errno));
  }
}

Status Redis::connect() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  AddressList found;
  std::string port = std::to_string(address_.port);
  int failed = ::getaddrinfo(address_.host.c_str(), port.c_str(), &hints, &found.first);
  if (failed != 0) return unavailable(address_, gai_strerror(failed));
  std::string why = "no address";
  for (const addrinfo* one = found.first; one != nullptr; one = one->ai_next) {
    socket_ = net::Descriptor(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket_.fd() < 0) continue;
    int code = ::connect(socket_.fd(), one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
    if (code == EINPROGRESS) {
      CLEW_TRY(wait(POLLOUT, steady_ns() + kCallNs));
      socklen_t bytes = sizeof code;
      (void)::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &code, &bytes);
    }
    if (code == 0) break;
    why = std::strerror(code);
    socket_.reset();
  }
  if (socket_.fd() < 0) return unavailable(address_, why);
  int on = 1;
  (void)::setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::vector<std::vector<std::string>> hello;
  if (!address_.password.empty()) {
    hello.push_back(address_.user.empty() ? std::vector<std::string>{"AUTH", address_.password}
                                          : std::vector<std::string>{"AUTH", address_.user, address_.password});
  }
  if (address_.database != 0) hello.push_back({"SELECT", std::to_string(address_.database)});
  if (hello.empty()) return {};
  std::vector<RedisReply> replies = CLEW_TRY(exchange(hello));
  for (const RedisReply& reply : replies) {
    if (reply.kind == RedisReply::Kind::kError) return Error(Code::kForbidden, address_.text() + ": " + reply.text);
  }
  return {};
}

Result<std::vector<RedisReply>> Redis::exchange(const std::vector<std::vector<std::string>>& commands) {
  std::string out;
  for (const auto& command : commands) append_command(command, out);
  uint64_t until_ns = steady_ns() + kCallNs;
  std::string_view rest = out;
  std::vector<RedisReply> replies;
  std::string in;
  char chunk[16 << 10];
  while (replies.size() < commands.size()) {
    // Answers are read while commands are written: neither side may wait for the other.
    CLEW_TRY(wait(static_cast<short>(rest.empty() ? POLLIN : POLLIN | POLLOUT), until_ns));
    if (!rest.empty()) {
      ssize_t sent = ::send(socket_.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return unavailable(address_, std::strerror(errno));
      if (sent > 0) rest.remove_prefix(static_cast<size_t>(sent));
    }
    ssize_t got = ::recv(socket_.fd(), chunk, sizeof chunk, 0);
    if (got == 0) return unavailable(address_, "it closed the connection");
    if (got < 0 && errno != EAGAIN && errno != EINTR) return unavailable(address_, std::strerror(errno));
    if (got > 0) in.append(chunk, static_cast<size_t>(got));
    std::string_view left = in;
    while (replies.size() < commands.size()) {
      std::unique_ptr<RedisReply> reply = CLEW_TRY(take_reply(left));
      if (reply == nullptr) break;
      replies.push_back(std::move(*reply));
    }
    in.erase(0, in.size() - left.size());
  }
  return replies;
}

Result<std::vector<RedisReply>> Redis::call(const std::vector<std::vector<std::string>>& commands) {
  Status connected = socket_.fd() >= 0 ? Status() : connect();
  Result<std::vector<RedisReply>> replies =
      connected.ok() ? exchange(commands) : Result<std::vector<RedisReply>>(connected.error());
  if (!replies.ok()) socket_.reset();
  return replies;
}

}  // namespace clew::topk
