// Lines to a clew server, by one thread that the callers never wait for. Linux and other POSIX systems; http only.
#pragma once

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "clew/context.h"
#include "clew/output.h"

namespace clew {

// What became of the lines: accepted = sent + waiting + dropped.
struct HttpCounts {
  uint64_t accepted = 0;
  uint64_t sent = 0;
  uint64_t dropped = 0;  // no room, refused by the server, or left at the end
  uint64_t waiting = 0;
};

// Batches carry a key (`Clew-Batch`), so that a batch sent again is stored once. What has no room is dropped and
// counted.
//
// Threads: write, flush and counts from any. After fork a child makes its own HttpOutput.
// Crash:   kill -9 loses what waits: the last 0.2 s, or more while the server does not answer.
class HttpOutput final : public Output {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::string port = "4320";
    std::string dataset = "logs";
    size_t queue_bytes_max = 16u << 20;
    size_t batch_bytes_max = 1u << 20;
    std::chrono::milliseconds linger{200};    // how long a line may wait for others
    std::chrono::milliseconds timeout{5000};  // for the server's answer
    std::chrono::milliseconds exit{3000};     // how long the destructor may take
  };

  explicit HttpOutput(Options options) : options_(std::move(options)), thread_([this] { run(); }) {}
  ~HttpOutput() override {
    flush(options_.exit);
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void write(std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    counts_.accepted++;
    if (queue_.size() + line.size() + 1 > options_.queue_bytes_max) {
      counts_.dropped++;
      return;
    }
    try {
      queue_.append(line).push_back('\n');
    } catch (...) {
      counts_.dropped++;
      return;
    }
    if (queue_lines_++ == 0) changed_.notify_all();
  }

  // True when all that was written so far is with the server, within so long.
  bool flush(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    hurry_ = true;
    changed_.notify_all();
    const bool done = changed_.wait_for(lock, within, [this] { return queue_lines_ + batch_lines_ == 0; });
    hurry_ = false;
    return done;
  }

  HttpCounts counts() const {
    const std::lock_guard lock(mutex_);
    HttpCounts made = counts_;
    made.waiting = queue_lines_ + batch_lines_;
    return made;
  }

 private:
  enum class Answer { kStored, kRefused, kLater };

  void run() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      changed_.wait(lock, [this] { return closing_ || queue_lines_ > 0; });
      changed_.wait_for(lock, options_.linger,
                        [this] { return closing_ || hurry_ || queue_.size() >= options_.batch_bytes_max; });
      if (queue_lines_ == 0) continue;
      take_batch();
      deliver(lock);
      changed_.notify_all();
    }
    counts_.dropped += queue_lines_ + batch_lines_;
    queue_lines_ = batch_lines_ = 0;
    close_connection();
  }

  void take_batch() {
    size_t bytes = queue_.size();
    if (bytes > options_.batch_bytes_max) {
      const size_t end = queue_.rfind('\n', options_.batch_bytes_max - 1);
      bytes = (end == std::string::npos ? queue_.find('\n') : end) + 1;
    }
    batch_ = queue_.substr(0, bytes);
    queue_.erase(0, bytes);
    batch_lines_ = static_cast<uint64_t>(std::count(batch_.begin(), batch_.end(), '\n'));
    queue_lines_ -= batch_lines_;
    sequence_++;
  }

  // Sends the batch, again and again where that may help, until it is done with or we are to end.
  void deliver(std::unique_lock<std::mutex>& lock) {
    auto pause = std::chrono::milliseconds(100);
    while (!closing_) {
      lock.unlock();
      const Answer answer = post();
      lock.lock();
      if (answer != Answer::kLater) {
        (answer == Answer::kStored ? counts_.sent : counts_.dropped) += batch_lines_;
        batch_lines_ = 0;
        return;
      }
      changed_.wait_for(lock, pause, [this] { return closing_; });
      pause = std::min(pause * 2, std::chrono::milliseconds(10'000));
    }
  }

  Answer post() {
    const bool kept = socket_ >= 0;
    Answer answer = exchange();
    if (answer == Answer::kLater && kept) answer = exchange();  // an idle connection that the server had closed
    return answer;
  }

  Answer exchange() {
    if (socket_ < 0 && !connect_to_server()) return Answer::kLater;
    const std::string head = "POST /api/v1/import?dataset=" + options_.dataset + " HTTP/1.1\r\nHost: " + options_.host +
                             "\r\nContent-Type: application/x-ndjson\r\nClew-Batch: " + producer_ + ":" +
                             std::to_string(sequence_) + "\r\nContent-Length: " + std::to_string(batch_.size()) +
                             "\r\n\r\n";
    const int status = send_all(head) && send_all(batch_) ? read_answer() : 0;
    if (status == 0) close_connection();
    if (status >= 200 && status < 300) return Answer::kStored;
    return status == 0 || status == 408 || status == 429 || status >= 500 ? Answer::kLater : Answer::kRefused;
  }

  bool connect_to_server() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(options_.host.c_str(), options_.port.c_str(), &hints, &found) != 0) return false;
    for (const addrinfo* one = found; one != nullptr && socket_ < 0; one = one->ai_next) {
      socket_ = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
      if (socket_ < 0) continue;
      set_timeouts();
      if (::connect(socket_, one->ai_addr, one->ai_addrlen) != 0) close_connection();
    }
    ::freeaddrinfo(found);
    return socket_ >= 0;
  }

  void set_timeouts() {
    timeval wait{};
    wait.tv_sec = static_cast<decltype(wait.tv_sec)>(options_.timeout.count() / 1000);
    wait.tv_usec = static_cast<decltype(wait.tv_usec)>(options_.timeout.count() % 1000 * 1000);
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // The status of an answer read to its end; 0 when there is none.
  int read_answer() {
    std::string text;
    size_t head_end = std::string::npos;
    size_t whole = 0;
    while (head_end == std::string::npos || text.size() < whole) {
      char piece[4096];
      const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
      if (got <= 0 || text.size() > kAnswerBytesMax) return 0;
      text.append(piece, static_cast<size_t>(got));
      if (head_end != std::string::npos) continue;
      head_end = text.find("\r\n\r\n");
      if (head_end != std::string::npos) whole = head_end + 4 + content_length(text.substr(0, head_end));
    }
    if (detail::lower(text.substr(0, head_end)).find("\r\nconnection: close") != std::string::npos) close_connection();
    return text.size() > 12 && text.compare(0, 5, "HTTP/") == 0 ? std::atoi(text.c_str() + 9) : 0;
  }

  static size_t content_length(const std::string& head) {
    static constexpr std::string_view kName = "\r\ncontent-length:";
    const size_t at = detail::lower(head).find(kName);
    return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + kName.size(), nullptr, 10);
  }

  void close_connection() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  static constexpr size_t kAnswerBytesMax = 65'536;

  const Options options_;
  const std::string producer_ = "cpp-" + detail::random_hex(16);
  mutable std::mutex mutex_;  // over what stands up to the next blank line
  std::condition_variable changed_;
  std::string queue_;
  uint64_t queue_lines_ = 0;
  uint64_t batch_lines_ = 0;
  HttpCounts counts_;
  bool hurry_ = false;
  bool closing_ = false;

  std::string batch_;  // these are the thread's
  uint64_t sequence_ = 0;
  int socket_ = -1;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace clew
