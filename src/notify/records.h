// What outlives a restart, and its form in the journal (docs/formats/notify.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "notify/alert.h"
#include "notify/silences.h"

namespace clew::notify {

// The last notification of a group by one channel: what keeps it from being sent twice.
struct LogEntry {
  UnixNanos at;
  UnixNanos expires_at;
  std::vector<uint64_t> firing;  // fingerprints, in order
  std::vector<uint64_t> resolved;
  std::map<std::string, std::string> memory;  // the channel's own: the message to update
};

// Whether somebody looks after a group that holds.
struct GroupCare {
  UnixNanos first_told_at;
  UnixNanos acked_at;  // 0: nobody has
  std::string acked_by;
  std::string ack_comment;
  bool escalated = false;
  bool acked() const { return acked_at.get() != 0; }
};

struct Records {
  std::map<uint64_t, StoredAlert> alerts;
  std::map<std::string, Silence> silences;
  std::map<std::string, LogEntry> log;    // by log_key
  std::map<std::string, GroupCare> care;  // by group key
};

// Of one group, receiver and channel.
std::string log_key(const std::string& group_key, const std::string& receiver, std::string_view channel,
                    uint32_t index);

std::string encode_alert(const StoredAlert& alert);
std::string encode_alert_gone(uint64_t fingerprint);
std::string encode_silence(const Silence& silence);
std::string encode_silence_gone(const std::string& id);
std::string encode_log(const std::string& key, const LogEntry& entry);
std::string encode_log_gone(const std::string& key);
std::string encode_care(const std::string& group_key, const GroupCare& care);
std::string encode_care_gone(const std::string& group_key);
// All of it, as records.
std::vector<std::string> encode_all(const Records& records);

// Does what one record says.  Errors: kCorrupt; kUnsupported for a kind of a later version.
Status apply_record(std::string_view record, Records& to);

}  // namespace clew::notify
