#include "app/live_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/backoff.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

constexpr uint32_t kQuietMillisMax = 60'000;  // the server says something every 15 s

void say(const std::string& text) { std::fprintf(stderr, "clew tail: %s\n", text.c_str()); }

}  // namespace

std::string LiveReader::path() const {
  std::string path = "/clew/v1/tail?format=ndjson&query=" + percent_encoded(request_.query);
  if (request_.raw) path += "&raw=true";
  if (place_) return path + "&after=" + std::to_string(*place_);
  if (!request_.since.empty()) path += "&since=" + percent_encoded(request_.since);
  if (request_.last > 0) path += "&last=" + std::to_string(request_.last);
  return path;
}

Status LiveReader::run() {
  uint32_t failures = 0;
  while (true) {
    bool again = CLEW_TRY(follow());
    if (!again) return {};
    failures = began_ ? 1 : failures + 1;
    if (failures == 1) say("the connection broke: trying again");
    wait_seconds(backoff_seconds(failures, 0));
  }
}

Result<bool> LiveReader::follow() {
  held_.clear();
  began_ = false;
  net::HttpCall call;
  call.url = path();
  call.quiet_timeout_ms = kQuietMillisMax;
  call.on_body = [this](std::string_view bytes) {
    while (!bytes.empty()) {
      size_t newline = bytes.find('\n');
      held_.append(bytes.substr(0, newline));
      if (newline == std::string_view::npos) return true;
      if (!take(held_)) return false;
      held_.clear();
      bytes.remove_prefix(newline + 1);
    }
    std::fflush(stdout);
    return true;
  };
  Result<net::HttpReply> reply = client_.call(std::move(call));
  if (stopped_) return false;
  if (!refused_.is_null()) return Error(Code::kInvalid, text_at(refused_, "reason"));
  if (reply.ok() && reply->status >= 400 && (reply->status < 500 || !ever_began_) && reply->status != 429) {
    Json body = Json::parse(reply->body, nullptr, false);
    refused_ = member_at(body, "error");
    return error_of_body(body, reply->status);
  }
  if (!reply.ok() && !ever_began_) return std::move(reply).error();
  return true;
}

bool LiveReader::take(std::string_view line) {
  // {"id":"..","seq":7,"row":{..}}: the row is taken as it stands.
  constexpr std::string_view kRow = ",\"row\":";
  if (line.starts_with("{\"id\":") && line.ends_with('}')) {
    size_t seq = line.find(",\"seq\":");
    size_t row = line.find(kRow, seq);
    if (row == std::string_view::npos) return true;
    uint64_t place = std::strtoull(std::string(line.substr(seq + 7, row - seq - 7)).c_str(), nullptr, 10);
    // Rows before `begin` are what was stored, by time: no place to go on from.
    if (place_) place_ = std::max(*place_, place);
    line.remove_prefix(row + kRow.size());
    line.remove_suffix(1);
    stopped_ = !on_row_(line);
    return !stopped_;
  }
  Json record = Json::parse(line, nullptr, false);
  return !record.is_object() || take_record(record);
}

bool LiveReader::take_record(const Json& record) {
  if (record.contains("begin")) {
    if (ever_began_) say("goes on");
    place_ = std::max(place_.value_or(0), number_at(record["begin"], "from"));
    began_ = ever_began_ = true;
    const Json& warnings = member_at(record["begin"], "warnings");
    for (size_t i = 0; warnings.is_array() && i < warnings.size(); ++i) {
      say("warning: " + without_controls(warnings[i].get<std::string>()));
    }
  } else if (record.contains("missed")) {
    bool exact = record.value("exact", true);
    say(fmt::format("{}{} events came too fast and are not shown", exact ? "" : "up to ",
                    grouped(number_at(record, "missed"))));
  } else if (record.contains("damaged")) {
    say(grouped(number_at(record, "damaged")) + " events are damaged and left out: run clew verify on the store");
  } else if (record.contains("heartbeat")) {
    place_ = std::max(place_.value_or(0), number_at(record["heartbeat"], "up_to"));
  } else if (record.contains("error")) {
    refused_ = record["error"];
    return false;
  }
  return true;
}

}  // namespace clew::app
