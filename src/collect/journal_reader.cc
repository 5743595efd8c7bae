#include "collect/journal_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace clew::collect {
namespace {

Error journal_error(const std::string& what, int negative_errno) {
  int e = -negative_errno;
  Code code = Code::kIo;
  if (e == ENOENT || e == ENOTDIR) code = Code::kNotFound;
  if (e == EACCES || e == EPERM) code = Code::kForbidden;
  if (e == EBADMSG || e == EPROTONOSUPPORT) code = Code::kCorrupt;
  if (e == EINVAL) code = Code::kInvalid;
  return Error(code, what + ": " + std::strerror(e));
}

Status status_of(const std::string& what, int result) {
  return result < 0 ? Status(journal_error(what, result)) : Status();
}

class SystemdReader final : public JournalReader {
 public:
  explicit SystemdReader(sd_journal* journal) : journal_(journal), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    CHECK(event_ >= 0, errno);
  }
  ~SystemdReader() override {
    sd_journal_close(journal_);
    ::close(event_);
  }
  SystemdReader(const SystemdReader&) = delete;
  SystemdReader& operator=(const SystemdReader&) = delete;

  Status seek_begin() override { return status_of("the begin of the journal", sd_journal_seek_head(journal_)); }
  Status seek_end() override {
    CLEW_TRY(status_of("the end of the journal", sd_journal_seek_tail(journal_)));
    return status_of("the last entry of the journal", sd_journal_previous(journal_));
  }
  Status seek(const std::string& cursor) override {
    CLEW_TRY(status_of("the cursor " + quoted(cursor), sd_journal_seek_cursor(journal_, cursor.c_str())));
    int moved = sd_journal_next(journal_);
    CLEW_TRY(status_of("the entry behind " + quoted(cursor), moved));
    // The entry itself was read; where it is gone this is the one that follows.
    held_ = moved > 0 && sd_journal_test_cursor(journal_, cursor.c_str()) <= 0;
    return {};
  }

  Result<bool> next() override {
    if (std::exchange(held_, false)) return true;
    int moved = sd_journal_next(journal_);
    if (moved < 0) return journal_error("the journal", moved);
    return moved > 0;
  }

  Result<std::string> cursor() override {
    char* text = nullptr;
    int got = sd_journal_get_cursor(journal_, &text);
    if (got < 0) return journal_error("the cursor of an entry", got);
    std::string cursor = text;
    std::free(text);
    return cursor;
  }
  int64_t received_nanos() override {
    uint64_t micros = 0;
    return sd_journal_get_realtime_usec(journal_, &micros) < 0 ? 0 : static_cast<int64_t>(micros) * 1000;
  }
  void fields(const std::function<void(std::string_view, std::string_view)>& take) override {
    const void* data = nullptr;
    size_t bytes = 0;
    sd_journal_restart_data(journal_);
    while (sd_journal_enumerate_available_data(journal_, &data, &bytes) > 0) {
      std::string_view field(static_cast<const char*>(data), bytes);
      size_t equals = field.find('=');
      if (equals != std::string_view::npos) take(field.substr(0, equals), field.substr(equals + 1));
    }
  }

  void wait(uint32_t milliseconds) override {
    pollfd polled[2] = {{event_, POLLIN, 0}, {sd_journal_get_fd(journal_), POLLIN, 0}};
    int events = sd_journal_get_events(journal_);
    if (events > 0) polled[1].events = static_cast<short>(events);
    nfds_t count = polled[1].fd >= 0 ? 2 : 1;
    ::poll(polled, count, static_cast<int>(std::min<uint64_t>(milliseconds, until_look_millis())));
    uint64_t rung = 0;
    [[maybe_unused]] ssize_t n = ::read(event_, &rung, sizeof rung);
    [[maybe_unused]] int processed = sd_journal_process(journal_);
  }
  void wake() override {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t n = ::write(event_, &one, sizeof one);
  }

 private:
  // When libsystemd wants to look for itself, as where changes are not told.
  uint64_t until_look_millis() {
    uint64_t at_micros = UINT64_MAX;
    if (sd_journal_get_timeout(journal_, &at_micros) < 0 || at_micros == UINT64_MAX) return INT32_MAX;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_micros = static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
    return at_micros > now_micros ? (at_micros - now_micros) / 1000 + 1 : 0;
  }

  sd_journal* journal_;
  const int event_;
  bool held_ = false;  // next() is already there
};

}  // namespace

Result<std::unique_ptr<JournalReader>> JournalReader::open(const JournalName& name, size_t value_bytes_max) {
  sd_journal* journal = nullptr;
  int opened = 0;
  std::string what = "the journal";
  if (!name.directory.empty()) {
    what += " in " + name.directory;
    opened = sd_journal_open_directory(&journal, name.directory.c_str(), 0);
  } else if (!name.name_space.empty()) {
    what += " of namespace " + name.name_space;
    opened = sd_journal_open_namespace(&journal, name.name_space.c_str(), SD_JOURNAL_LOCAL_ONLY);
  } else {
    opened = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
  }
  if (opened < 0) return journal_error("cannot open " + what, opened);
  sd_journal_set_data_threshold(journal, value_bytes_max);
  // Asked for before the first entry is read, so that nothing comes unseen between the two.
  [[maybe_unused]] int watched = sd_journal_get_fd(journal);
  return std::unique_ptr<JournalReader>(new SystemdReader(journal));
}

}  // namespace clew::collect
