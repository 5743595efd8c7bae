// Formats beyond those of process_test.cc: columns with a header, slow query logs, csvlog, firewalls, error logs.
#include <gtest/gtest.h>

#include "model/batch_text.h"
#include "process/columns_line.h"
#include "process/importer.h"
#include "process/line_parser.h"
#include "process/mysql_slow.h"

namespace clew::process {
namespace {

// The events of a text, read as its format says or as it is detected, one line each.
std::string events_of(const std::string& text, std::optional<Format> format = std::nullopt) {
  std::string out;
  ImportOptions options;
  options.format = format;
  Importer importer(options, UnixNanos(1'796'040'000'000'000'000), [&](model::Batch batch) {
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      for (const auto& column : batch.columns()) {
        std::string_view name = column->name();
        std::optional<model::RestField> value = model::value_at(*column, row);
        if (!value || name == "_raw" || name == "_shape" || name == "_flags") continue;
        std::string json;
        std::string_view shown = name == "_time" ? "@" : name;
        std::string text_of = value->kind == model::Kind::kString ? std::string(value->text) : "";
        if (text_of.empty()) model::print_number(value->kind, value->lane, value->scale, text_of);
        if (name == "_time") text_of = std::to_string(value->lane / 1'000'000'000);
        out.append(shown).append("=").append(text_of).append(" ");
      }
      out += "\n";
    }
    return Status();
  });
  EXPECT_TRUE(importer.feed(text).ok());
  EXPECT_TRUE(importer.finish().ok());
  return out;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Formats, W3cNamesItsColumns) {
  std::string log =
      "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-11-20 10:37:05\n"
      "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status time-taken\n"
      "2026-11-20 10:37:05 10.0.0.1 GET /index.html - 443 203.0.113.9 Mozilla/5.0+(Windows) 404 15\n";
  EXPECT_EQ(detect(log), Format::kW3c);
  std::string events = events_of(log);
  EXPECT_TRUE(has(events, "@=1795171025 ")) << events;
  EXPECT_TRUE(has(events,
                  "s_ip=10.0.0.1 cs_method=GET cs_uri_stem=/index.html s_port=443 c_ip=203.0.113.9 "
                  "cs_user_agent=Mozilla/5.0+(Windows) sc_status=404 time_taken=15"))
      << events;
  EXPECT_FALSE(has(events, "cs_uri_query")) << events;
}

TEST(Formats, ZeekNamesItsColumns) {
  std::string log =
      "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
      "#fields\tts\tuid\tid.orig_h\tid.orig_p\tproto\tservice\n#types\ttime\tstring\taddr\tport\tenum\tstring\n"
      "1795171025.123456\tCabc\t10.0.0.1\t51000\ttcp\t-\n";
  EXPECT_EQ(detect(log), Format::kZeek);
  std::string events = events_of(log);
  EXPECT_TRUE(has(events, "@=1795171025 ")) << events;
  EXPECT_TRUE(has(events, "uid=Cabc id.orig_h=10.0.0.1 id.orig_p=51000 proto=tcp")) << events;
  EXPECT_FALSE(has(events, "service=")) << events;
}

TEST(Formats, CsvWithNames) {
  std::string log = "Timestamp,Service,Text\n2026-11-20T10:37:05Z,cart,\"two\nlines, \"\"quoted\"\"\"\n";
  EXPECT_EQ(detect(log), Format::kCsv);
  EXPECT_TRUE(
      has(events_of(log), "@=1795171025 Timestamp=2026-11-20T10:37:05Z Service=cart Text=two\nlines, \"quoted\""))
      << events_of(log);
  EXPECT_EQ(detect("a b c\nd e f\n"), Format::kPlain);
  EXPECT_EQ(detect("error, again, and\nonce more, and, then\n"), Format::kPlain);
}

TEST(Formats, SlowQueriesAreOneEventEach) {
  std::string log =
      "/usr/sbin/mysqld, Version: 8.0.36 (Ubuntu). started with:\nTcp port: 3306  Unix socket: /run/m.sock\n"
      "Time                 Id Command    Argument\n"
      "# Time: 2026-11-20T10:37:05.000000Z\n# User@Host: app[app] @ web-1 [10.0.0.7]  Id:   42\n"
      "# Query_time: 2.500000  Lock_time: 0.000100 Rows_sent: 1  Rows_examined: 90210\nuse `shop`;\n"
      "SET timestamp=1795171025;\nSELECT *\n  FROM orders;\n"
      "# User@Host: root[root] @ localhost []\n# Query_time: 3  Lock_time: 0  Rows_sent: 0  Rows_examined: "
      "0\nCOMMIT;\n";
  EXPECT_EQ(detect(log), Format::kMysqlSlow);
  std::string events = events_of(log);
  EXPECT_EQ(std::count(events.begin(), events.end(), '@'), 2) << events;
  EXPECT_TRUE(has(events,
                  "message=SELECT *\n  FROM orders; source.kind=database db.user=app db.name=shop "
                  "source.address=10.0.0.7 db.thread_id=42 mysql.query_time=2.500000"))
      << events;
  EXPECT_TRUE(has(events, "message=COMMIT; source.kind=database")) << events;
  EXPECT_FALSE(parse_slow_query("SELECT 1;\n").has_value());
}

TEST(Formats, PostgresCsvlog) {
  std::string line =
      "2026-11-20 10:37:05.123 UTC,\"app\",\"shop\",4242,\"10.0.0.7:5432\",691e.1,3,\"INSERT\",2026-11-20 10:00:00 "
      "UTC,4/12,0,ERROR,23505,\"duplicate key\nvalue\",\"Key (id)=(1) exists.\",,,,,\"INSERT INTO "
      "\"\"t\"\"\",,,\"psql\"\n";
  EXPECT_EQ(detect(line + line), Format::kPostgresCsv);
  std::string events = events_of(line + line);
  EXPECT_EQ(std::count(events.begin(), events.end(), '@'), 2) << events;
  EXPECT_TRUE(has(events, "db.user=app db.name=shop process.pid=4242 client.address=10.0.0.7:5432")) << events;
  EXPECT_FALSE(has(events, "duration_ms"));
  std::string timed = line;
  timed.replace(timed.find("duplicate key\nvalue"), 19, "duration: 0.576 ms");
  EXPECT_TRUE(has(events_of(timed), "duration_ms=0.576")) << events_of(timed);
  EXPECT_TRUE(has(events, "level=ERROR postgresql.sql_state=23505 message=duplicate key\nvalue")) << events;
  EXPECT_TRUE(has(events, "postgresql.query=INSERT INTO \"t\" db.application=psql")) << events;
}

TEST(Formats, PostgresSaysWhoAndHowLong) {
  std::string events = events_of(
      "2026-11-20 10:37:05.123 UTC [4242] app@shop LOG:  duration: 37.118 ms  statement: SELECT 1\n"
      "2026-11-20 10:37:05 UTC [4243-7] [unknown]@[unknown] FATAL:  no\n"
      "2026-11-20 10:37:05 UTC [4244]: [1-1] user=app,db=shop LOG:  checked a@b\n");
  EXPECT_TRUE(has(events,
                  "level=LOG process.pid=4242 source.kind=database duration_ms=37.118 db.user=app db.name=shop "
                  "message=duration: 37.118 ms  statement: SELECT 1 \n"))
      << events;
  EXPECT_TRUE(has(events, "level=FATAL process.pid=4243 source.kind=database message=no \n")) << events;
  EXPECT_TRUE(has(events, "process.pid=4244 source.kind=database db.user=app db.name=shop message=checked a@b \n"))
      << events;
}

TEST(Formats, MysqlErrorLog) {
  std::string events = events_of(
      "2026-11-20T10:37:05.484123Z 0 [System] [MY-013169] [Server] mysqld starting\n"
      "2026-11-20T10:37:05.484123Z 12 [ERROR] [MY-010068] [InnoDB] no space\n"
      "2026-11-20 10:37:05 0 [ERROR] Aborting\n"
      "2026-11-20 10:37:05 12 [Warning] Aborted connection\n"
      "191015  9:46:45\t    13 Query\tSHOW STATUS\n"
      "2026-11-20 10:37:05 4242 [ERROR] some other program\n");
  EXPECT_TRUE(has(events,
                  "level=info source.kind=database db.thread_id=0 event.code=MY-013169 event.provider=Server "
                  "message=mysqld starting \n"))
      << events;
  EXPECT_TRUE(has(events,
                  "level=ERROR source.kind=database db.thread_id=12 event.code=MY-010068 event.provider=InnoDB "
                  "message=no space \n"))
      << events;
  EXPECT_TRUE(has(events, "level=ERROR source.kind=database db.thread_id=0 message=Aborting \n")) << events;
  EXPECT_TRUE(has(events, "level=Warning source.kind=database db.thread_id=12 message=Aborted connection \n"))
      << events;
  EXPECT_TRUE(has(events, "source.kind=database db.thread_id=13 message=Query\tSHOW STATUS \n")) << events;
  EXPECT_TRUE(has(events, "level=ERROR message=some other program process.pid=4242 \n")) << events;
}

TEST(Formats, FirewallsSayWhoAndWhere) {
  std::string packet =
      "IN=eth0 OUT= MAC=aa:bb SRC=203.0.113.9 DST=10.0.0.1 LEN=40 TTL=242 PROTO=TCP SPT=4444 DPT=22 SYN";
  std::string ufw = events_of("Nov 20 10:37:05 fw kernel: [12345.678] [UFW BLOCK] " + packet + "\n");
  EXPECT_TRUE(has(ufw, "event.action=UFW BLOCK observer.ingress.interface.name=eth0")) << ufw;
  EXPECT_TRUE(has(ufw,
                  "source.address=203.0.113.9 destination.address=10.0.0.1 network.bytes=40 firewall.ttl=242 "
                  "network.transport=TCP source.port=4444 destination.port=22"))
      << ufw;
  EXPECT_TRUE(has(events_of("Nov 20 10:37:05 fw kernel: nft drop: " + packet + "\n"), "event.action=nft drop"));
  EXPECT_FALSE(has(events_of("Nov 20 10:37:05 fw app: IN=progress\n"), "observer"));
}

TEST(Formats, GlogApacheAndNginxErrors) {
  std::string glog = events_of("E20261120 10:37:05.485123  1234 foo.cc:12] bad thing\n");
  EXPECT_TRUE(has(glog, "@=1795171025 level=E thread.name=1234 code.file=foo.cc code.line=12 message=bad thing"))
      << glog;
  std::string klog = events_of("W1120 10:37:05.485123    1234 reflector.go:324] watch ended\n");
  EXPECT_TRUE(has(klog, "level=W thread.name=1234 code.file=reflector.go code.line=324 message=watch ended")) << klog;
  std::string apache = events_of(
      "[Fri Nov 20 10:37:05.123456 2026] [core:error] [pid 35708:tid 4328] [client 10.0.0.9:34] File does not exist\n");
  EXPECT_TRUE(has(apache, "level=error logger=core thread.name=4328 process.pid=35708")) << apache;
  EXPECT_TRUE(has(apache, "client.address=10.0.0.9:34")) << apache;
  EXPECT_TRUE(has(apache, "message=File does not exist")) << apache;
  std::string nginx = events_of(
      "2026/11/20 10:37:05 [error] 1234#1235: *5 open() \"/x\" failed (2: No such file), client: 10.0.0.9, server: "
      "shop\n"
      "2026/11/20 10:37:05 [notice] 1#1: start worker process 29\n");
  EXPECT_TRUE(
      has(nginx,
          "level=error thread.name=1235 process.pid=1234 client.address=10.0.0.9 message=*5 open() \"/x\" failed "
          "(2: No such file), client: 10.0.0.9, server: shop \n"))
      << nginx;
  EXPECT_TRUE(has(nginx, "level=notice thread.name=1 process.pid=1 message=start worker process 29 \n")) << nginx;
}

TEST(Formats, LogbacksOwnLayout) {
  std::string events = events_of("10:37:05.123 [main] INFO  com.shop.Cart -- order placed\n");
  EXPECT_TRUE(has(events, "level=INFO logger=com.shop.Cart thread.name=main message=order placed \n")) << events;
  EXPECT_EQ(events_of("10:37:05 and 11:00:00 are times\n"), "@=1796040000 \n");
}

TEST(Formats, AReaderThatBeginsBelowTheHeaderKnowsIt) {
  LineParser parser(Format::kW3c, Expect::kOnly);
  model::Batch batch;
  parser.attach(batch, {.arrival = UnixNanos(1), .zone = {}});
  parser.learn("#Version: 1.0\n#Fields: date time sc-status\n2026-11-20 10:00:00 200\n");
  ASSERT_TRUE(parser.parse_line("2026-11-20 10:37:05 404"));
  EXPECT_EQ(batch.rows(), 1u);
  EXPECT_EQ(model::value_of(batch, "sc_status", 0)->lane, 404);
}

TEST(Continuation, RulesOfTheUser) {
  Result<JoinRule> begins = own_join_rule(JoinRule::How::kBegins, "^\\[");
  ASSERT_TRUE(begins.ok());
  Continuation rule(*begins);
  EXPECT_FALSE(rule.continues("[1] a"));
  EXPECT_TRUE(rule.continues("more"));
  EXPECT_FALSE(rule.continues("[2] b"));
  Result<JoinRule> continues = own_join_rule(JoinRule::How::kContinues, "^[|]");
  ASSERT_TRUE(continues.ok());
  Continuation other(*continues);
  EXPECT_FALSE(other.continues("| first"));
  EXPECT_TRUE(other.continues("| more"));
  EXPECT_FALSE(other.continues("next"));
  EXPECT_FALSE(own_join_rule(JoinRule::How::kBegins, "(").ok());
}

}  // namespace
}  // namespace clew::process
