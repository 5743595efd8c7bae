#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/batch_text.h"
#include "process/importer.h"
#include "process/line_parser.h"

namespace clew::process {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kArrival = 1'795'171'625 * kSecond;  // 2026-11-20T10:47:05Z

// Rows of an import as canonical text, fed in pieces of `piece` bytes.
struct Imported {
  std::vector<std::string> rows;
  std::vector<std::string> documents;
  std::optional<Format> format;
};

Imported import_text(std::string_view text, ImportOptions options = {}, size_t piece = 7) {
  Imported out;
  Importer importer(std::move(options), UnixNanos(kArrival), [&](model::Batch batch) {
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      out.rows.push_back(model::row_text(batch, row));
      out.documents.push_back(model::row_document(batch, row));
    }
    return Status();
  });
  for (size_t at = 0; at < text.size(); at += piece) EXPECT_TRUE(importer.feed(text.substr(at, piece)).ok());
  EXPECT_TRUE(importer.finish().ok());
  out.format = importer.format();
  EXPECT_EQ(importer.events(), out.rows.size());
  return out;
}

// The only row, less its text.
std::string row_of(std::string_view line) {
  Imported got = import_text(line);
  if (got.rows.size() != 1) return std::to_string(got.rows.size()) + " rows";
  EXPECT_EQ(got.documents[0], line);
  std::string row = got.rows[0];
  size_t raw = row.find(",\"_raw\":");
  if (raw != std::string::npos) {
    size_t end = raw + 9;
    while (row[end] != '"') end += row[end] == '\\' ? 2 : 1;
    row.erase(raw, end + 1 - raw);
  }
  return row;
}

TEST(AccessLog, Combined) {
  EXPECT_EQ(
      row_of(
          R"(192.0.2.7 - bob [20/Nov/2026:17:37:05 +0700] "GET /a/b?x=1 HTTP/1.1" 404 512 "http://e.org/" "Moz \"5\"")"),
      R"x({"_time":"2026-11-20T10:37:05Z","http.request.method":"GET","http.request.referrer":"http://e.org/","http.response.body.bytes":512,"http.response.status_code":404,"http.version":"1.1","source.address":"192.0.2.7","url.original":"/a/b?x=1","url.path":"/a/b","url.query":"x=1","user.name":"bob","user_agent.original":"Moz \\\"5\\\""})x");
}

TEST(Importer, FieldsOfATextAreTheParsers) {
  const std::pair<const char*, const char*> kTexts[] = {
      {R"(::1 - - [20/Nov/2026:10:37:05 +0000] "GET / HTTP/1.1" 200 5)", "http.response.status_code"},
      {"<38>Nov 20 10:37:05 web1 sshd[1291]: Accepted key for bob", "process.pid"},
      {"ts=2026-11-20T10:37:05Z level=warn msg=slow ms=12", "ms"},
      {"2026-11-20 10:37:05,485 - shop.cart - ERROR - boom", "logger"}};
  for (auto [text, name] : kTexts) {
    unsigned origins = 0;
    Importer importer({}, UnixNanos(kArrival), [&](model::Batch batch) {
      if (batch.find(name) != nullptr) origins = batch.find(name)->origins();
      EXPECT_EQ(batch.find("_raw")->origins(), model::bit(model::Origin::kRecord));
      return Status();
    });
    ASSERT_TRUE(importer.feed(text).ok());
    ASSERT_TRUE(importer.finish().ok());
    EXPECT_EQ(origins, model::bit(model::Origin::kParser)) << text;
  }
  Importer importer({}, UnixNanos(kArrival), [&](model::Batch batch) {
    EXPECT_EQ(batch.find("ms")->origins(), model::bit(model::Origin::kRecord));
    return Status();
  });
  ASSERT_TRUE(importer.feed("{\"ms\":12}\n").ok());
  ASSERT_TRUE(importer.finish().ok());
}

TEST(AccessLog, CommonAndOdd) {
  EXPECT_EQ(row_of(R"(::1 - - [20/Nov/2026:10:37:05 +0000] "-" 408 -)"),
            R"({"_time":"2026-11-20T10:37:05Z","http.response.status_code":408,"source.address":"::1"})");
  EXPECT_EQ(
      row_of(R"(shop.example:443 192.0.2.7 - - [20/Nov/2026:10:37:05 +0000] "\x16\x03" 400 226)"),
      R"x({"_time":"2026-11-20T10:37:05Z","http.response.body.bytes":226,"http.response.status_code":400,"source.address":"192.0.2.7","url.domain":"shop.example:443","url.original":"\\x16\\x03"})x");
}

TEST(Syslog, WithAndWithoutPriority) {
  EXPECT_EQ(
      row_of("<38>Nov 20 10:37:05 web1 sshd[1291]: Accepted key for bob"),
      R"({"_time":"2026-11-20T10:37:05Z","_flags":"assumed_zone assumed_year","host.name":"web1","level":"info","message":"Accepted key for bob","process.pid":1291,"program":"sshd","source.kind":"host","syslog.facility":"auth"})");
  EXPECT_EQ(
      row_of("Nov  2 10:37:05 web1 kernel: [1.5] eth0 up"),
      R"({"_time":"2026-11-02T10:37:05Z","_flags":"assumed_zone assumed_year","host.name":"web1","message":"[1.5] eth0 up","program":"kernel","source.kind":"host"})");
  EXPECT_EQ(
      row_of("2026-11-20T10:37:05.123456+00:00 web1 CRON[7]: (root) CMD (x)"),
      R"x({"_time":"2026-11-20T10:37:05.123456Z","host.name":"web1","message":"(root) CMD (x)","process.pid":7,"program":"CRON","source.kind":"host"})x");
}

TEST(Syslog, Rfc5424) {
  EXPECT_EQ(
      row_of("<165>1 2026-11-20T10:37:05.003Z web1 shop 42 ID47 [opentelemetry trace_id=\"ab\" span_id=\"cd\"][x@1 "
             "k=\"v \\\"q\\]\"] \xef\xbb\xbfhello"),
      R"({"_time":"2026-11-20T10:37:05.003Z","host.name":"web1","level":"notice","message":"hello","process.pid":42,"program":"shop","source.kind":"host","span_id":"cd","syslog.facility":"local4","syslog.msgid":"ID47","syslog.x@1.k":"v \"q]","trace_id":"ab"})");
  EXPECT_EQ(
      row_of("<165>1 - - - - - -"),
      R"({"_time":"2026-11-20T10:47:05Z","_flags":"arrival_time","level":"notice","source.kind":"host","syslog.facility":"local4"})");
}

TEST(Logfmt, PairsAreTyped) {
  EXPECT_EQ(
      row_of(
          R"(ts=2026-11-20T10:37:05Z level=warn msg="slow \"query\"" ms=12.50 ok=true zip="0123" empty= traceID=ab)"),
      R"x({"_time":"2026-11-20T10:37:05Z","empty":"","level":"warn","ms":12.50,"msg":"slow \"query\"","ok":true,"traceID":"ab","ts":"2026-11-20T10:37:05Z","zip":"0123"})x");
}

TEST(Plain, TimeLevelAndMessage) {
  const std::pair<const char*, const char*> kLines[] = {
      {"2026-11-20 10:37:05,485 - INFO - Processing order", R"("level":"INFO","message":"Processing order")"},
      {"2026-11-20 10:37:05,485 - shop.cart - ERROR - boom",
       R"("level":"ERROR","logger":"shop.cart","message":"boom")"},
      {"2026-11-20 10:37:05.485 [INFO] user=alice x=1", R"("level":"INFO","message":"user=alice x=1")"},
      {"2026-11-20 10:37:05.485 User alice created order", R"("message":"User alice created order")"},
      {"2026-11-20 10:37:05.485 Error reports were sent", R"("message":"Error reports were sent")"},
      {"[2026-11-20 10:37:05,485] WARN [Controller 1]: gone (kafka.Controller)",
       R"x("level":"WARN","message":"[Controller 1]: gone (kafka.Controller)")x"},
      {"2026-11-20 10:37:05,485:INFO:com.x:Site up", R"("level":"INFO","logger":"com.x","message":"Site up")"},
      {"2026-11-20 10:37:05.485 [main] DEBUG o.a.Main - started",
       R"("level":"DEBUG","logger":"o.a.Main","message":"started","thread.name":"main")"},
      {"2026-11-20 10:37:05.485  INFO 12 --- [ main] o.a.Main   : started",
       R"("level":"INFO","logger":"o.a.Main","message":"started","process.pid":12,"thread.name":"main")"},
      {"2026-11-20 10:37:05.485 UTC [20]: [1-1] user=bob,db=,app=psql LOG:  ready",
       R"("db.application":"psql","db.user":"bob","level":"LOG","message":"ready","process.pid":20,"source.kind":"database")"},
      {"   2026-11-20T10:37:05.485 info vmware[1] up", R"("level":"info","message":"vmware[1] up")"},
  };
  for (auto [line, want] : kLines) {
    std::string row = row_of(line);
    EXPECT_NE(row.find("\"_time\":\"2026-11-20T10:37:05.485Z\""), std::string::npos) << row;
    EXPECT_NE(row.find(std::string(",") + want + "}"), std::string::npos) << row;
  }
  EXPECT_EQ(
      row_of("I1120 10:37:05.485123   99 a.cc:12] hello"),
      R"({"_time":"2026-11-20T10:37:05.485123Z","_flags":"assumed_zone assumed_year","code.file":"a.cc","code.line":12,"level":"I","message":"hello","thread.name":"99"})");
  EXPECT_EQ(row_of("WARNING: disk is full"),
            R"({"_time":"2026-11-20T10:47:05Z","_flags":"arrival_time","level":"WARNING"})");
  EXPECT_EQ(row_of("=== TITLE ==="), R"({"_time":"2026-11-20T10:47:05Z","_flags":"arrival_time"})");
}

// The row of an event that may have several lines.
std::string event_row(std::string_view event, std::initializer_list<std::string_view> fields) {
  model::Batch batch;
  LineParser parser(Format::kPlain, Expect::kMostly);
  parser.attach(batch, {.arrival = UnixNanos(kArrival), .dataset = "logs", .zone = {}});
  EXPECT_TRUE(parser.parse_line(event));
  EXPECT_EQ(batch.find("_raw")->text_at(0), event);
  std::string row;
  for (std::string_view field : fields) {
    const model::Column* column = batch.find(field);
    if (column != nullptr && column->values_count() > 0) row += std::string(column->text_at(0)) + "|";
  }
  return row;
}

TEST(Plain, ATraceStandsBesideItsMessage) {
  EXPECT_EQ(event_row("2026-11-20 10:00:00 ERROR pay: declined\njava.io.IOException: no\n\tat a.B.c(B.java:1)",
                      {"level", "message", "stack_trace"}),
            "ERROR|pay: declined|java.io.IOException: no\n\tat a.B.c(B.java:1)|");
  std::string alone = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'x'";
  EXPECT_EQ(event_row(alone, {"message", "stack_trace"}), "KeyError: 'x'|" + alone + "|");
  EXPECT_EQ(event_row("2026-11-20 10:00:00 LOG select\n\tfrom t\n\twhere x", {"message", "stack_trace"}),
            "select\n\tfrom t\n\twhere x|")
      << "further lines without frames are the message's";
}

TEST(Plain, LinesWithoutATimeFollowTheLineBefore) {
  Imported got = import_text("2026-11-20 10:37:05 ERROR boom\njava.io.IOException: gone\n\tat a.B(B.java:1)\n");
  ASSERT_EQ(got.rows.size(), 3u);
  EXPECT_EQ(got.rows[2], R"x({"_time":"2026-11-20T10:37:05Z","_flags":"inferred","_raw":"\tat a.B(B.java:1)"})x");
}

TEST(Importer, DetectsFormats) {
  EXPECT_EQ(detect("{\"a\":1}\n{\"a\":2}\n"), Format::kNdjson);
  EXPECT_EQ(detect("{\n \"a\":1\n}\n"), Format::kJsonStream);
  EXPECT_EQ(detect(" [ {\"a\":1}, {\"a\":2} ]"), Format::kJsonStream);
  EXPECT_EQ(detect("{\"Records\":[{\"a\":1"), Format::kJsonStream);
  EXPECT_EQ(detect("{\"a\":\"unfinished"), Format::kNdjson);
  EXPECT_EQ(detect("[2026-11-20 10:37:05] INFO x\n"), Format::kPlain);
  EXPECT_EQ(detect("a=1 b=2 c=3\n"), Format::kLogfmt);
  EXPECT_EQ(detect("prose with a=1\n"), Format::kPlain);
  EXPECT_EQ(detect(""), Format::kPlain);
}

TEST(Importer, JsonStreams) {
  EXPECT_EQ(import_text("[{\"a\":1},\n{\"b\":\"}]\\\"\"}]\n").documents,
            (std::vector<std::string>{R"({"a":1})", R"({"b":"}]\""})"}));
  EXPECT_EQ(import_text("{\n\"a\":{\"b\":[1]}\n}\n{\n\"a\":2\n}\n").documents,
            (std::vector<std::string>{R"({"a":{"b":[1]}})", R"({"a":2})"}));
  EXPECT_EQ(import_text("{ \"Records\": [{\"a\":1},{\"a\":2}]}").documents,
            (std::vector<std::string>{R"({"a":1})", R"({"a":2})"}));
  Imported broken = import_text("[{\"a\":1},\n{\"a\":}, nonsense\n {\"a\":3},\n{\"b\":");
  ASSERT_EQ(broken.rows.size(), 5u);
  EXPECT_NE(broken.rows[1].find("parse_error"), std::string::npos);
  EXPECT_EQ(broken.documents[2], "nonsense");
  EXPECT_EQ(broken.documents[4], "{\"b\":");
}

TEST(Importer, MixedOutputOfOneProgram) {
  Imported got =
      import_text("=== START ===\n\n{\"timestamp\": \"2026-11-20T10:37:05\", \"request_id\": null}\nprose\n");
  ASSERT_EQ(got.rows.size(), 3u);
  EXPECT_EQ(
      got.rows[1],
      R"({"_time":"2026-11-20T10:37:05Z","_flags":"assumed_zone","request_id":null,"timestamp":"2026-11-20T10:37:05"})");
  EXPECT_EQ(got.documents[2], "prose");
}

TEST(Importer, ANamedFormatFlagsOtherLines) {
  ImportOptions options;
  options.format = Format::kNdjson;
  Imported got = import_text("{\"a\":1}\nprose\n", options);
  EXPECT_NE(got.rows[1].find("parse_error"), std::string::npos);
  EXPECT_FALSE(format_by_name("jsn").ok());
  EXPECT_EQ(**format_by_name("json"), Format::kJsonStream);
  EXPECT_FALSE(format_by_name("auto")->has_value());
}

TEST(Importer, LongLinesAreCutAndFlagged) {
  std::string longest(kLineBytesMax, 'x');
  Imported got = import_text(longest + "\n" + longest + "y\nz\n", {}, 100'000);
  ASSERT_EQ(got.rows.size(), 3u);
  EXPECT_EQ(got.rows[0].find("truncated"), std::string::npos);
  EXPECT_NE(got.rows[1].find("truncated"), std::string::npos);
  EXPECT_EQ(got.documents[1], longest);
  EXPECT_EQ(got.documents[2], "z");
}

TEST(Importer, BatchesHaveALimitAndErrorsEndTheImport) {
  ImportOptions options;
  options.batch_rows_max = 2;
  std::vector<uint32_t> sizes;
  Importer importer(options, UnixNanos(kArrival), [&](model::Batch batch) -> Status {
    sizes.push_back(batch.rows());
    if (sizes.size() == 2) return Error(Code::kFull, "the disk is full");
    return {};
  });
  Status status = importer.feed("a\nb\nc\nd\ne\nf\n");
  if (status.ok()) status = importer.finish();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(sizes, (std::vector<uint32_t>{2, 2}));
}

TEST(Importer, AnyCutOfTheInputGivesTheSameRows) {
  std::string text = "<38>Nov 20 10:37:05 web1 sshd[1]: a\r\n{\"a\":[{\"b\":1}]}\n\xff\xfe\n192.0.2.7 - - [x";
  Imported whole = import_text(text, {}, text.size());
  for (size_t piece = 1; piece < text.size(); ++piece) EXPECT_EQ(import_text(text, {}, piece).rows, whole.rows);
}

std::string read_shared(std::string_view below) {
  std::ifstream in(std::filesystem::path("..") / "shared" / below, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string field(const std::string& row, std::string_view name) {
  std::string key = "\"" + std::string(name) + "\":";
  size_t at = row.find(key);
  if (at == std::string::npos) return {};
  size_t end = at + key.size();
  bool text = row[end] == '"';
  end = text ? row.find('"', end + 1) + 1 : row.find_first_of(",}", end);
  return row.substr(at + key.size(), end - at - key.size());
}

TEST(UserFormats, TheFactsOfTheirReadme) {
  if (read_shared("suites/user-formats/README.md").empty()) GTEST_SKIP() << "no ../shared";
  Imported v1 = import_text(read_shared("suites/user-formats/logstash_formatter_v1.ndjson"));
  ASSERT_EQ(v1.rows.size(), 4u);
  EXPECT_EQ(field(v1.rows[0], "_time"), "\"2026-11-20T10:37:05.484322300Z\"");
  EXPECT_EQ(field(v1.rows[3], "_time"), "\"2026-11-20T10:37:05.484471Z\"");
  Imported v0 = import_text(read_shared("suites/user-formats/logstash_formatter_v0.ndjson"));
  EXPECT_EQ(field(v0.rows[0], "_time"), "\"2026-11-20T10:37:05.484720Z\"");

  ImportOptions hanoi;
  hanoi.zone = *text::Zone::find("Asia/Ho_Chi_Minh");
  Imported local = import_text(read_shared("suites/user-formats/jsonformatter_local.ndjson"), hanoi);
  EXPECT_EQ(field(local.rows[0], "_time"), "\"2026-11-20T11:55:34.963Z\"");

  Imported stdout_log = import_text(read_shared("suites/user-formats/stdout.log"));
  ASSERT_EQ(stdout_log.rows.size(), 3u);
  EXPECT_EQ(field(stdout_log.rows[1], "request_id"), "null");
  EXPECT_EQ(field(stdout_log.rows[1], "_time"), "\"2025-11-10T18:30:45Z\"");
  EXPECT_EQ(field(stdout_log.rows[2], "_time"), "\"2025-11-10T18:30:45.104233Z\"");

  Imported order = import_text(read_shared("suites/user-formats/order_created.json"));
  ASSERT_EQ(order.rows.size(), 1u);
  EXPECT_EQ(field(order.rows[0], "amount"), "50");

  Imported plain = import_text(read_shared("suites/user-formats/plain.log"));
  ASSERT_EQ(plain.rows.size(), 4u);
  EXPECT_EQ(field(plain.rows[2], "level"), "\"ERROR\"");
  EXPECT_EQ(field(plain.rows[2], "_time"), "\"2025-11-10T18:31:15.789Z\"");
  EXPECT_EQ(field(plain.rows[2], "message"), "\"db_connection_timeout after 30s\"");

  Imported servers = import_text(read_shared("suites/user-formats/five_servers.ndjson"));
  EXPECT_EQ(field(servers.rows[2], "_time"), "\"2025-11-10T18:30:45.010Z\"");
  Imported distlog = import_text(read_shared("suites/user-formats/distlog.ndjson"));
  EXPECT_EQ(field(distlog.rows[1], "_time"), "\"2025-11-10T18:30:45.010Z\"");
}

// Rows, the detected format, and the share of rows with a time of their own.
struct FileFacts {
  size_t rows = 0;
  size_t timed = 0;
  std::optional<Format> format;
};

FileFacts facts(std::string_view below) {
  Imported got = import_text(read_shared(below), {}, 1 << 16);
  FileFacts f;
  f.rows = got.rows.size();
  f.format = got.format;
  for (const std::string& row : got.rows) {
    bool assumed = row.find("arrival_time") != std::string::npos || row.find("inferred") != std::string::npos;
    f.timed += assumed ? 0 : 1;
  }
  return f;
}

TEST(RealData, FilesGiveOneEventALine) {
  if (read_shared("data/README.md").empty()) GTEST_SKIP() << "no ../shared";
  FileFacts access = facts("data/access-logs/apache_combined.log");
  EXPECT_EQ(access.format, Format::kAccess);
  EXPECT_EQ(access.rows, 10'000u);
  EXPECT_EQ(access.timed, 10'000u);
  FileFacts auth = facts("data/auth/auth.log");
  EXPECT_EQ(auth.format, Format::kSyslog);
  EXPECT_EQ(auth.rows, 7121u);
  EXPECT_EQ(auth.timed, 7121u);
  FileFacts nginx = facts("data/access-logs/nginx_plus.ndjson");
  EXPECT_EQ(nginx.format, Format::kNdjson);
  EXPECT_EQ(nginx.rows, 500u);
  FileFacts kafka = facts("data/kafka/kafka1/logs/controller.log");
  EXPECT_EQ(kafka.format, Format::kPlain);
  EXPECT_GT(kafka.timed * 10, kafka.rows * 9);
  FileFacts postgres = facts("data/postgres/stmt_type.log");
  EXPECT_EQ(postgres.timed, postgres.rows);
  FileFacts cloud = facts("data/postgres/cloudsql.log");
  EXPECT_EQ(cloud.format, Format::kNdjson);
  FileFacts zeek = facts("data/zeek/smtp.json");
  EXPECT_EQ(zeek.timed, zeek.rows);
  EXPECT_GT(zeek.rows, 0u);
}

}  // namespace
}  // namespace clew::process
