// OtlpOutput sends entries of the queue to an OTLP server that is not clew: POST of log records in protobuf.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "contract/queue.h"
#include "net/http_client.h"

namespace clew::collect {

// One entry as requests, made once however often they are sent.
class OtlpRequests {
 public:
  // Errors: kInvalid for an entry that holds no batches.
  static Result<OtlpRequests> of(const contract::QueueEntry& entry, bool gzip);

  struct Request {
    std::string body;
    uint32_t events = 0;
  };
  const std::vector<Request>& all() const { return all_; }
  bool gzip() const { return gzip_; }
  // How many of them a server has taken: it is not sent them again.
  size_t taken = 0;

 private:
  std::vector<Request> all_;
  bool gzip_ = false;
};

// "http://HOST:4318" is meant as ".../v1/logs"; a URL with a path is taken as it is.
std::string otlp_logs_url(const std::string& url);

// Headers of each request besides those of the endpoint. `key` is the batch key of the entry: clew knows a repetition
// by it, others pass it over.
std::vector<std::pair<std::string, std::string>> otlp_headers(const OtlpRequests& requests, const std::string& key);

}  // namespace clew::collect
