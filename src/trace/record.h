// Record: what one stored event says about a request, whatever its protocol. Records holds those of one request.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/value.h"

namespace clew::trace {

constexpr int64_t kNoTime = INT64_MIN;

// A field that has no member of its own in Record.
struct Attribute {
  std::string_view name;
  model::Value value;
};

// Texts are empty and times kNoTime where the event says nothing. Ids are as they were stored.
struct Record {
  std::string_view dataset;
  std::string_view id;  // `_id`: names the event for ever
  uint64_t seq = 0;
  int64_t time = 0;  // @timestamp, ns

  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;
  std::string_view request_id;

  std::string_view name;  // also a logger's, where the event is a log line
  std::string_view kind;
  std::string_view service;
  std::string_view host;
  std::string_view address;  // of the local endpoint
  std::string_view process;
  std::string_view thread;
  std::string_view status;
  std::string_view status_message;
  std::string_view level;
  std::string_view message;

  int64_t start = kNoTime;
  int64_t end = kNoTime;
  int64_t duration = kNoTime;  // ns

  std::string_view event;  // "goal.start", "goal.end"
  std::string_view outcome;
  std::string_view reason;
  std::string_view attempt;
  std::string_view error_type;
  std::string_view error_message;
  std::string_view exception_type;  // of the exception among a span's events
  std::string_view exception_message;
  bool goal = false;
  bool shared = false;  // Zipkin: both sides of a call wrote under one id

  std::string_view context_key;  // distlog
  std::string_view task_uuid;    // Eliot
  std::string_view task_level;   // JSON array
  std::string_view action_type;
  std::string_view action_status;

  uint32_t attributes_begin = 0;  // in Records::attributes
  uint32_t attributes_end = 0;
};

// Threads: one at a time; movable. Texts of the rows live as long as it.
struct Records {
  std::vector<Record> rows;
  std::vector<Attribute> attributes;
  bool with_attributes = false;  // were asked for
  uint64_t damaged_rows = 0;     // could not be read
  bool cut = false;              // there are more than were read

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }

  std::deque<std::string> texts;
  std::vector<std::shared_ptr<const void>> owners;
};

}  // namespace clew::trace
