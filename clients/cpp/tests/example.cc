// clew_client_example PORT TRACEPARENT: a C++ service's part of a request, sent to clew. tests/e2e runs it.
#include <spdlog/logger.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "clew/goal.h"
#include "clew/http_output.h"
#include "clew/spdlog.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  clew::HttpOutput::Options options;
  options.port = argv[1];
  clew::HttpOutput output(options);
  const clew::Client client("gateway", output);
  spdlog::logger log("bank", std::make_shared<clew::SpdlogSink>(client));
  const clew::UseScope request(clew::scope_of(clew::Headers{{"traceparent", argv[2]}}));
  try {
    clew::Goal goal(client, "ask the bank", {{"amount", 12.5}});
    log.warn("the bank is slow: {} ms", 300);
    goal.run([] { throw std::runtime_error("no answer"); });
  } catch (const std::runtime_error&) {
    log.error("given up");
  }
  return output.flush(std::chrono::seconds(20)) ? 0 : 1;
}
