// The `remote_write` section of a configuration: Prometheus' own form.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/tls.h"
#include "yaml/tree.h"

namespace clew::adapters {

struct RemoteWriteOptions {
  std::string name;  // of the destination, in messages and of its queue's directory
  std::string url;
  uint32_t timeout_ms = 30'000;
  std::vector<std::pair<std::string, std::string>> headers;          // Authorization among them
  std::vector<std::pair<std::string, std::string>> external_labels;  // put where a series has none of that name
  net::TlsClientFiles tls;
  bool histograms = true;  // native ones
  bool metadata = true;
  uint64_t samples_max = 2'000;  // of one request
  uint32_t backoff_min_ms = 30;
  uint32_t backoff_max_ms = 5'000;
  uint64_t queue_bytes_max = uint64_t{1} << 30;
  friend bool operator==(const RemoteWriteOptions&, const RemoteWriteOptions&) = default;
};

constexpr size_t kRemoteWritesMax = 16;

// A list of destinations. What is wrong goes to `mistakes`, by line. Keys that only say how Prometheus' own queue works
// (shards, capacity) are taken and mean nothing.
std::vector<RemoteWriteOptions> read_remote_writes(const yaml::Tree& tree, yaml::Mistakes& mistakes);

}  // namespace clew::adapters
