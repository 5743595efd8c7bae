// Errors in the form of each protocol.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/http_message.h"

namespace clew::api {

enum class ErrorShape : uint8_t {
  kClew,     // {"error":{"code","reason","status"}}
  kElastic,  // {"error":{"root_cause":[..],"type","reason"},"status"}
  kOtlp,     // google.rpc.Status, protobuf or JSON as the request
  kText,     // the message
  kPpl,      // OpenSearch's SQL plugin
};

// With Retry-After where the caller should come again.
net::Response error_response(ErrorShape shape, const net::Request& request, const Error& error);
// 401: the same, and how to say who one is.
net::Response unauthenticated_response(ErrorShape shape, const net::Request& request, const Error& error);
// Adds what tells the caller when to come again, for errors that say so.
void add_retry_after(Code code, net::Response& response);

// Elasticsearch's name for an error.
std::string elastic_type(Code code);
// The Content-Type of an Elasticsearch answer: its own media type when the client asked for that.
std::string elastic_content_type(const net::Request& request);

}  // namespace clew::api
