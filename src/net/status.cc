#include "net/status.h"

namespace clew::net {

int http_status(Code code) {
  switch (code) {
    case Code::kInvalid: return 400;
    case Code::kNotFound: return 404;
    case Code::kExists: return 409;
    case Code::kTooLarge: return 413;
    case Code::kOverloaded: return 429;
    case Code::kUnsupported: return 415;
    case Code::kCorrupt: return 500;
    case Code::kIo: return 500;
    case Code::kFull: return 503;
    case Code::kCancelled: return 499;
    case Code::kDeadline: return 504;
    case Code::kLimit: return 400;
    case Code::kForbidden: return 403;
    case Code::kUnavailable: return 503;
    case Code::kInternal: return 500;
  }
  return 500;
}

int grpc_status(Code code) {
  switch (code) {
    case Code::kInvalid: return 3;
    case Code::kNotFound: return 5;
    case Code::kExists: return 6;
    case Code::kTooLarge: return 3;
    case Code::kOverloaded: return 8;
    case Code::kUnsupported: return 12;
    case Code::kCorrupt: return 15;
    case Code::kIo: return 13;
    case Code::kFull: return 14;
    case Code::kCancelled: return 1;
    case Code::kDeadline: return 4;
    case Code::kLimit: return 8;
    case Code::kForbidden: return 7;
    case Code::kUnavailable: return 14;
    case Code::kInternal: return 13;
  }
  return 2;
}

bool is_retryable(Code code) { return code == Code::kOverloaded || code == Code::kFull || code == Code::kUnavailable; }

const char* http_reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

}  // namespace clew::net
