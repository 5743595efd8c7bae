// clew sync: fills a server from its mirror, batch by batch under the keys that they have there.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/backoff.h"
#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

constexpr uint32_t kTriesMax = 6;  // in a row

struct Asked {
  std::string from;
  std::string to;
  std::string dataset;
  std::string since;
};

// What became of everything so far.
struct Sums {
  uint64_t stored = 0;
  uint64_t known = 0;
  uint64_t refused = 0;
  uint64_t gone = 0;
  uint64_t keyless = 0;
  uint64_t unreadable = 0;
  uint64_t quarantined = 0;
  std::string first_refusal;
};

struct Page {
  std::string body;
  Json head;
};

class Sync {
 public:
  explicit Sync(const Asked& asked)
      : asked_(asked), from_(asked.from), to_(asked.to), errors_(terminal_of(STDERR_FILENO)) {}

  int run() {
    Status done = copy();
    clear_progress();
    print_sums();
    if (!done.ok()) {
      fail("sync", done.error());
      std::fprintf(stderr, "  not all was copied; the same command goes on: what is there is not stored again\n");
      return 1;
    }
    return print_left_out() ? 1 : 0;
  }

 private:
  Status copy() {
    uint64_t after = 0;
    uint64_t goal = 0;  // what was there at the begin: later batches come to the mirror by themselves
    do {
      Page page = CLEW_TRY(try_often<Page>([&] { return get_page(after); }));
      if (goal == 0) goal = number_at(page.head, "committed");
      if (!page.body.empty()) CLEW_TRY(give(page.body));
      count(page.head);
      uint64_t next = number_at(page.head, "next");
      if (next <= after && next < goal) return Error(Code::kInternal, from_.url() + " gives the same page again");
      after = next;
      say_progress(after, goal);
    } while (after < goal);
    return {};
  }

  // Tries again what failed for now, more slowly each time.
  template <class T, class F>
  Result<T> try_often(F attempt) {
    for (uint32_t tries = 1;; ++tries) {
      Result<T> result = attempt();
      if (result.ok()) return result;
      Code code = result.error().code();
      bool for_now = code == Code::kOverloaded || code == Code::kUnavailable || code == Code::kIo;
      if (!for_now || tries == kTriesMax) return result;
      clear_progress();
      std::fprintf(stderr, "clew sync: %s; trying again\n", result.error().message().c_str());
      wait_seconds(backoff_seconds(tries, 0));
    }
  }

  Result<Page> get_page(uint64_t after) {
    std::string path = fmt::format("/clew/v1/sync?after={}", after);
    if (!asked_.dataset.empty()) path += "&dataset=" + percent_encoded(asked_.dataset);
    if (!asked_.since.empty()) path += "&since=" + percent_encoded(asked_.since);
    net::HttpCall call;
    call.url = path;
    net::HttpReply reply = CLEW_TRY(checked(from_, from_.call(std::move(call))));
    Page page{.body = std::move(reply.body), .head = Json::parse(reply.header("clew-sync"), nullptr, false)};
    if (!page.head.is_object()) return Error(Code::kCorrupt, from_.url() + " does not answer like a clew server");
    return page;
  }

  Result<Json> post_page(const std::string& body) {
    net::HttpCall call{.method = "POST",
                       .url = "/clew/v1/sync",
                       .headers = {{"Content-Type", "application/vnd.clew.sync"}},
                       .body = body,
                       .on_body = nullptr};
    net::HttpReply reply = CLEW_TRY(checked(to_, to_.call(std::move(call))));
    Json json = Json::parse(reply.body, nullptr, false);
    if (!json.is_object()) return Error(Code::kCorrupt, to_.url() + " does not answer like a clew server");
    return json;
  }

  Status give(const std::string& body) {
    Json answer = CLEW_TRY(try_often<Json>([&] { return post_page(body); }));
    sums_.stored += number_at(answer, "stored");
    sums_.known += number_at(answer, "duplicate");
    sums_.refused += number_at(answer, "rejected");
    const Json& errors = member_at(answer, "errors");
    if (sums_.first_refusal.empty() && errors.is_array() && !errors.empty()) {
      sums_.first_refusal = text_at(errors[0], "batch") + ": " + text_at(errors[0], "reason");
    }
    return {};
  }

  static Result<net::HttpReply> checked(const Client& client, Result<net::HttpReply> reply) {
    if (!reply.ok() || reply->status < 400) return reply;
    Error error = error_of_body(Json::parse(reply->body, nullptr, false), reply->status);
    return std::move(error).at(client.url());
  }

  void count(const Json& head) {
    sums_.gone += number_at(head, "gone_events");
    sums_.keyless += number_at(head, "keyless_events");
    sums_.unreadable += number_at(head, "unreadable_batches");
    sums_.quarantined = std::max(sums_.quarantined, number_at(head, "quarantined_segments"));
  }

  void say_progress(uint64_t at, uint64_t goal) {
    if (!errors_.is_terminal || goal == 0) return;
    said_ = true;
    double share = 100.0 * static_cast<double>(std::min(at, goal)) / static_cast<double>(goal);
    std::fprintf(stderr, "\r\x1b[K%.0f%%: %s events stored, %s known", share, grouped(sums_.stored).c_str(),
                 grouped(sums_.known).c_str());
  }

  void clear_progress() {
    if (said_) std::fputs("\r\x1b[K", stderr);
    said_ = false;
  }

  void print_sums() const {
    std::printf("%s events stored, %s were there already\n", grouped(sums_.stored).c_str(),
                grouped(sums_.known).c_str());
    if (sums_.gone > 0) {
      std::printf("%s events of these batches were deleted or past their retention at the source\n",
                  grouped(sums_.gone).c_str());
    }
    std::fflush(stdout);
  }

  // True when something was.
  bool print_left_out() const {
    auto say = [](uint64_t count, const std::string& text) {
      if (count > 0) std::fprintf(stderr, "left out: %s %s\n", grouped(count).c_str(), text.c_str());
    };
    say(sums_.keyless, "events that came to the source without Clew-Batch: no other server could know them again");
    say(sums_.unreadable, "batches that the source cannot read: run clew verify on it");
    say(sums_.quarantined, "damaged segments of the source: run clew verify on it");
    say(sums_.refused, "events that " + to_.url() + " refuses, first " + sums_.first_refusal);
    return sums_.keyless + sums_.unreadable + sums_.quarantined + sums_.refused > 0;
  }

  const Asked& asked_;
  Client from_;
  Client to_;
  const Terminal errors_;
  Sums sums_;
  bool said_ = false;
};

}  // namespace

int run_sync(int argc, char** argv) {
  Asked asked;
  asked.to = kUrlDefault;
  Flags flags(
      "sync", "fills a server from its mirror: what it has is not stored again, ids stay the same",
      "clew sync --from http://log2:4320                       into the server of this machine\n"
      "clew sync --from https://log2:4320 --to https://log1:4320\n"
      "clew sync --from http://log2:4320 --since 2d            only what was stored there in the last two days\n"
      "Both servers take the key in CLEW_KEY. Interrupted, the same command goes on.");
  flags.text(asked.from, "--from", "URL", "the server that has the events");
  flags.text_or_env(asked.to, "--to", "CLEW_URL", "URL", "the server that lacks them");
  flags.text(asked.dataset, "--dataset", "NAME", "only batches with events of this dataset");
  flags.text(asked.since, "--since", "DURATION", "only batches that the source stored within 15m, 2h, 7d ...");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (asked.from.empty()) return fail("sync", Error(Code::kInvalid, "--from URL: say which server has the events"));
  return Sync(asked).run();
}

}  // namespace clew::app
