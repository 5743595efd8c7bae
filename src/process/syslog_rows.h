// SyslogRows: messages of the syslog protocol become rows: their parts as fields, and their bytes as `_raw` where
// fields do not say everything. Lines of files are LineParser's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "process/syslog_line.h"
#include "text/time_format.h"
#include "wire/row_writer.h"

namespace clew::process {

// Who sent a message; empty texts are left out.
struct SyslogSender {
  std::string_view address;   // `log.source.address`
  std::string_view own_host;  // `host.name` of what comes from this machine without one
};

// Which messages keep their bytes beside their fields.
enum class KeepRaw : uint8_t {
  kWhereNeeded,  // no form at all, a time that lacks its year or zone, a parameter that occurs twice
  kAlways,
};

// Whether the bytes are all that the sender wrote.
enum class Whole : uint8_t { kYes, kCut };

// Threads:  one.
// Lifetime: the writer outlives it and is attached to a batch whenever a row is added. Bytes need not live longer than
//           the call.
class SyslogRows {
 public:
  explicit SyslogRows(wire::RowWriter& rows, KeepRaw raw = KeepRaw::kWhereNeeded) : rows_(rows), keep_raw_(raw) {}

  // Times that do not say theirs are of this zone and of about `now_nanos`, which also stands for times that are
  // missing.
  void arrive(const text::Zone& zone, int64_t now_nanos);
  // Adds one row, whatever the bytes are; none for blank ones. A message that is neither RFC 5424 nor 3164 is flagged
  // parse_error.
  bool add(std::string_view message, const SyslogSender& sender, Whole whole = Whole::kYes);

 private:
  void find_fields();
  void put(wire::Field* field, std::string_view value, model::Origin origin = model::Origin::kParser);
  void put_pid(std::string_view pid);
  void put_parameter(const SyslogParameter& parameter, size_t place);
  wire::Field* field_of(const SyslogParameter& parameter, size_t place);

  wire::RowWriter& rows_;
  const KeepRaw keep_raw_;
  bool incomplete_ = false;  // the row's fields do not say all of its message
  uint64_t generation_ = 0;  // of the fields: one above the writer's
  wire::Field* message_ = nullptr;
  wire::Field* level_ = nullptr;
  wire::Field* facility_ = nullptr;
  wire::Field* host_ = nullptr;
  wire::Field* program_ = nullptr;
  wire::Field* pid_ = nullptr;
  wire::Field* message_id_ = nullptr;
  wire::Field* kind_ = nullptr;
  wire::Field* address_ = nullptr;
  wire::Field* trace_ = nullptr;
  wire::Field* span_ = nullptr;
  struct KnownParameter {
    std::string id, name;
    wire::Field* field = nullptr;
  };
  std::vector<KnownParameter> known_;  // by place in the message
  SyslogLine line_;
  text::TimeReader times_;
  text::TimeContext context_;
  std::string scratch_;
  std::string name_;
};

}  // namespace clew::process
