// The names that fields of systemd's journal have as fields of events.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace clew::collect {

struct JournalField {
  std::string name;  // of the event; empty: left out, as another field says the same
  bool number = false;
};

// systemd.journal-fields(7). What clew knows has the name that it has from other sources (`_PID` is process.pid,
// `_HOSTNAME` host.name, `_SYSTEMD_UNIT` systemd.unit, `CODE_FILE` code.file); what a program sends keeps its own name;
// what else the journal adds (`_...`) is journald.NAME in small letters.
//
// Threads: one.
class JournalFields {
 public:
  // Null when there are too many names already: the caller keeps name and value as text.
  const JournalField* find(std::string_view name);

 private:
  std::unordered_map<std::string, JournalField> known_;
};

}  // namespace clew::collect
