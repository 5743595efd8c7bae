// Reads the records of /clew/v1/tail and goes on where it was when the connection breaks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/client.h"

namespace clew::app {

struct TailRequest {
  std::string query;
  std::string since;
  uint64_t last = 0;
  bool raw = false;
};

// Threads: one.
class LiveReader {
 public:
  // Takes a row, a JSON object on one line; false ends the reading.
  using OnRow = std::function<bool(std::string_view row)>;
  LiveReader(Client& client, TailRequest request, OnRow on_row)
      : client_(client), request_(std::move(request)), on_row_(std::move(on_row)) {}

  // Reads until nobody takes rows any more; says on stderr what was missed and when the connection broke. A server that
  // is not there is waited for once a first answer has begun.
  // Errors: those of the first answer; kInvalid when the query fails under way.
  Status run();
  // The member `error` of the answer that refused the query.
  const Json& refused() const { return refused_; }

 private:
  // One connection; true when it is to be tried again.
  Result<bool> follow();
  bool take(std::string_view line);
  bool take_record(const Json& record);
  std::string path() const;

  Client& client_;
  const TailRequest request_;
  const OnRow on_row_;
  std::string held_;
  std::optional<uint64_t> place_;  // everything up to this _seq was had
  bool began_ = false;             // this connection has begun to answer
  bool ever_began_ = false;
  bool stopped_ = false;  // nobody takes rows any more
  Json refused_;
};

}  // namespace clew::app
