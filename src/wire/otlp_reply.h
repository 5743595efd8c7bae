// What OTLP receivers answer.
#pragma once

#include <string>
#include <string_view>

#include "wire/intake.h"

namespace clew::wire {

enum class OtlpSignal : uint8_t { kLogs, kSpans, kPoints };
enum class OtlpForm : uint8_t { kProtobuf, kJson };

// ExportLogsServiceResponse and its like: empty when everything was taken, else the number of rejected
// items and the first reasons. Content-Type is that of the request.
std::string otlp_reply(OtlpSignal signal, OtlpForm form, const Events& events);

// google.rpc.Status: the body of every OTLP/HTTP answer that is not 200. `grpc_code` is net::grpc_status.
std::string otlp_error(OtlpForm form, int grpc_code, std::string_view message);

}  // namespace clew::wire
