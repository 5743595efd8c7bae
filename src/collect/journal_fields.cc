#include "collect/journal_fields.h"

#include <algorithm>

namespace clew::collect {
namespace {

constexpr size_t kNamesMax = 500;  // a batch has 1,024 columns at most

struct Known {
  std::string_view journal;
  std::string_view name;
  bool number = false;
};

constexpr Known kKnown[] = {
    {"PRIORITY", "PRIORITY", true},
    {"SYSLOG_IDENTIFIER", "program"},
    {"SYSLOG_FACILITY", "syslog.facility_code", true},
    {"SYSLOG_PID", ""},        // _PID
    {"SYSLOG_TIMESTAMP", ""},  // the time that SYSLOG_RAW and _SOURCE_REALTIME_TIMESTAMP say better
    {"SYSLOG_RAW", ""},        // MESSAGE and the fields beside it
    {"_SOURCE_REALTIME_TIMESTAMP", ""},
    {"_PID", "process.pid", true},
    {"_UID", "user.id", true},
    {"_GID", "group.id", true},
    {"_COMM", "process.name"},
    {"_EXE", "process.executable"},
    {"_CMDLINE", "process.command_line"},
    {"_HOSTNAME", "host.name"},
    {"_MACHINE_ID", "host.id"},
    {"_BOOT_ID", "host.boot.id"},
    {"_TRANSPORT", "systemd.transport"},
    {"_SYSTEMD_UNIT", "systemd.unit"},
    {"_SYSTEMD_USER_UNIT", "systemd.user_unit"},
    {"_SYSTEMD_SLICE", "systemd.slice"},
    {"_SYSTEMD_CGROUP", "systemd.cgroup"},
    {"_SYSTEMD_INVOCATION_ID", "systemd.invocation_id"},
    {"_STREAM_ID", "systemd.stream_id"},
    {"CODE_FILE", "code.file"},
    {"CODE_LINE", "code.line", true},
    {"CODE_FUNC", "code.function"},
    {"TID", "thread.id", true},
    {"ERRNO", "errno", true},
    {"MESSAGE_ID", "systemd.message_id"},
    {"CONTAINER_NAME", "container.name"},  // Docker's journald driver
    {"CONTAINER_ID_FULL", "container.id"},
    {"CONTAINER_ID", ""},
    {"IMAGE_NAME", "container.image.name"},
};

}  // namespace

const JournalField* JournalFields::find(std::string_view name) {
  if (known_.empty()) {
    for (const Known& known : kKnown) known_[std::string(known.journal)] = {std::string(known.name), known.number};
  }
  auto found = known_.find(std::string(name));
  if (found != known_.end()) return &found->second;
  if (known_.size() >= kNamesMax) return nullptr;
  JournalField field;
  field.name = name;
  if (name.starts_with('_')) {
    field.name = "journald.";
    for (char c : name.substr(std::min(name.find_first_not_of('_'), name.size()))) {
      field.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return &known_.emplace(name, std::move(field)).first->second;
}

}  // namespace clew::collect
