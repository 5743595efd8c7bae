// A notification on its way: one of a group by one channel, tried until it is taken or its time is over.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "notify/notifier.h"

namespace clew::notify {

struct Notifier::Job {
  GroupId group;
  bool of_flush = true;  // the group waits for it
  ConfigPtr config;      // owns the channel
  const Channel* channel = nullptr;
  std::string channel_key;  // of channels_
  std::string sent_key;     // of sent_
  Notification notification;
  std::vector<uint64_t> firing;  // of all alerts, told or not
  std::vector<uint64_t> resolved;
  uint64_t repeat_ns = 0;
  uint64_t deadline_ns = 0;  // of the monotonic clock, as all of these
  uint64_t next_ns = 0;
  uint32_t attempt = 0;
  bool sending = false;
};

}  // namespace clew::notify
