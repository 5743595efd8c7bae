#include "process/redact.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "model/json_text.h"
#include "model/own_fields.h"
#include "model/rest.h"
#include "process/redact_rules.h"

namespace clew::process {
namespace {

std::shared_ptr<const Redactor> make_redactor(std::vector<OwnRedaction> own = {}) {
  auto made = Redactor::make(std::move(own));
  EXPECT_TRUE(made.ok()) << made.error().message();
  return std::move(made).take();
}

std::string redacted(std::string_view text) {
  static const std::shared_ptr<const Redactor> kRedactor = make_redactor();
  RedactionCounts counts = kRedactor->no_counts();
  std::string out(text);
  kRedactor->redact(text, out, counts);
  return out;
}

TEST(Redact, KeepsTheNameAndWhatStandsAround) {
  EXPECT_EQ(redacted("login password=hunter22 ok"), "login password=[redacted:password] ok");
  EXPECT_EQ(redacted(R"({"password":"a \"b\" c","n":1})"), R"({"password":"[redacted:password]","n":1})");
  EXPECT_EQ(redacted(R"(body {\"password\":\"x1\",\"n\":1})"),
            R"(body {\"password\":\"[redacted:password]\",\"n\":1})");
  EXPECT_EQ(redacted("GET /?api_key=k123456&x=1"), "GET /?api_key=[redacted:api_key]&x=1");
  EXPECT_EQ(redacted("User(password=abc(1), x=1)"), "User(password=[redacted:password], x=1)");
  EXPECT_EQ(redacted("Authorization: Bearer abcdef.123456"), "Authorization: Bearer [redacted:authorization]");
  EXPECT_EQ(redacted("postgres://bob:pa55@db/x"), "postgres://bob:[redacted:url_password]@db/x");
  EXPECT_EQ(redacted("redis://:pa/55@cache:6379"), "redis://:[redacted:url_password]@cache:6379");
  EXPECT_EQ(redacted("card 4111 1111 1111 1111 ok"), "card [redacted:card] ok");
  EXPECT_EQ(redacted("--password geheim7 --port 1"), "--password [redacted:password] --port 1");
  EXPECT_EQ(redacted("Cookie: a=b; sid=c\r\nHost: x"), "Cookie: [redacted:cookie]\r\nHost: x");
  EXPECT_EQ(redacted("Server=db;Uid=sa;Pwd=ge;heim1;Timeout=3"), "Server=db;Uid=sa;Pwd=[redacted:password];Timeout=3");
}

TEST(Redact, LeavesWhatIsNoSecret) {
  for (std::string_view text : {"Failed password for root from 10.0.0.1 port 22",
                                "password: expired",
                                "ssl.key.password = null",
                                "unexpected token: IDENTIFIER",
                                "token_count=15 tokens_used=20",
                                "author=alice",
                                "Password::reset",
                                "if (password == x)",
                                "password=${DB_PASSWORD}",
                                "password=****",
                                "see https://example.com/a@b",
                                "http://10.0.0.1:8080/x@y",
                                "order 4111111111111112",
                                "id 41111111-1111-1111-1111-111111111111",
                                "trace 4111111111111111a",
                                "PWD=/home/alice",
                                "arn:aws:secretsmanager:eu:1:secret:name-1x",
                                "Enter your password: click the link below",
                                "PASSWORD_CHANGED_AT=2026-01-01",
                                "task-1 disk-2 ask-me",
                                "-----BEGIN CERTIFICATE-----\nabc",
                                "Basic authentication failed",
                                "bearer authentication-not-configured",
                                "secret=false",
                                "cookie: chocolate",
                                "pam_unix(chpasswd:auth): user does not exist",
                                "pam_unix(passwd:chauthtok): password changed for tsg"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(Redact, RulesOfNames) {
  for (std::string_view name :
       {"password", "user.Password", "db_passwd", "X-Api-Key", "http.headers.authorization", "Set-Cookie",
        "clientSecret", "access_token", "PRIVATE_KEY", "cookie", "aws.secretAccessKey"}) {
    EXPECT_GE(rule_of_name(name), 0) << name;
  }
  for (std::string_view name :
       {"token_count", "author", "tokens_used", "password_changed_at", "authorization_id", "secret_name", "passed",
        "compass", "monkey", "session_id", "trace_id", "cookie_count", "password.length", ""}) {
    EXPECT_EQ(rule_of_name(name), -1) << name;
  }
}

TEST(Redact, OwnRules) {
  auto redactor = make_redactor({{"employee", "EMP-[0-9]+", ""}, {"order", "order=(\\S+)", "[order]"}});
  RedactionCounts counts = redactor->no_counts();
  std::string out;
  EXPECT_TRUE(redactor->redact("EMP-1 and EMP-22, order=7 x", out, counts));
  EXPECT_EQ(out, "[redacted:employee] and [redacted:employee], order=[order] x");
  EXPECT_EQ(counts[counts.size() - 2], 2u);
  EXPECT_EQ(redactor->rule_names().back(), "order");
  std::string again;
  EXPECT_FALSE(redactor->redact(out, again, counts)) << again;
  EXPECT_FALSE(check_own_redaction({"x", "a(", ""}).ok());
  EXPECT_FALSE(check_own_redaction({"x", "a*", ""}).ok());
  EXPECT_FALSE(check_own_redaction({"x", "a", "a"}).ok());
  EXPECT_FALSE(check_own_redaction({"x", "b", "a\"c"}).ok());
}

TEST(Redact, MessagesAlsoLoseWhatWasCutOff) {
  auto redactor = make_redactor();
  EXPECT_EQ(redactor->redact_message("expected a number, found \"password=abc\""),
            "expected a number, found \"password=[redacted:password]\"");
  EXPECT_EQ(redactor->redact_message("bad \"key ghp_abcdef...\" at 3"), "bad \"key ghp_[redacted]...\" at 3");
  EXPECT_EQ(redactor->redact_message("bad \"nothing here...\""), "bad \"nothing here...\"");
}

// A batch of text lines and fields.
class RedactBatch : public ::testing::Test {
 protected:
  uint32_t row() {
    if (batch_.rows() > 0) batch_.end_row();
    return batch_.begin_row();
  }
  void run() {
    batch_.end_row();
    counts_ = redactor_->no_counts();
    rows_ = redactor_->redact(batch_, counts_);
  }
  // Values of a column, one "ROW:TEXT" each.
  std::string values(std::string_view name) {
    const model::Column* column = batch_.find(name);
    if (column == nullptr) return "none";
    std::string out;
    size_t ints = 0;
    size_t texts = 0;
    size_t scales = 0;
    for (const model::KindRun& run : column->runs()) {
      for (uint32_t i = 0; i < run.count; ++i) {
        out += (out.empty() ? "" : " | ") + std::to_string(run.row + i) + ":";
        if (model::kind_has_text(run.kind)) out += column->text_at(texts++);
        if (model::kind_has_int(run.kind)) {
          uint8_t scale = run.kind == model::Kind::kDecimal ? column->scales()[scales++] : uint8_t{0};
          model::print_number(run.kind, column->ints()[ints++], scale, out);
        }
      }
    }
    return out;
  }

  std::shared_ptr<const Redactor> redactor_ = make_redactor();
  model::Batch batch_;
  RedactionCounts counts_;
  uint64_t rows_ = 0;
};

TEST_F(RedactBatch, FindsTheRowAmongMany) {
  for (uint32_t i = 0; i < 1000; ++i) {
    uint32_t r = row();
    batch_.column("message")->add_string(r, i == 417 ? "password=geheim9" : i == 999 ? "4111111111111111" : "all well");
    batch_.column("level")->add_string(r, "pass");
    if (i == 417) batch_.flag(model::Flag::kOddTime);
  }
  run();
  EXPECT_EQ(rows_, 2u);
  const model::Column& message = *batch_.find("message");
  EXPECT_EQ(message.text_at(416), "all well");
  EXPECT_EQ(message.text_at(417), "password=[redacted:password]");
  EXPECT_EQ(message.text_at(418), "all well");
  EXPECT_EQ(message.text_at(999), "[redacted:card]");
  EXPECT_EQ(values("_flags"), "417:40 | 999:32");
  EXPECT_EQ(counts_[static_cast<size_t>(SecretKind::kPassword)], 1u);
  EXPECT_EQ(counts_[static_cast<size_t>(SecretKind::kCard)], 1u);
}

TEST_F(RedactBatch, CleanRowsStayWithoutFlags) {
  batch_.column("message")->add_string(row(), "password changed for alice");
  run();
  EXPECT_EQ(rows_, 0u);
  EXPECT_EQ(values("_flags"), "none");
}

TEST_F(RedactBatch, NeighboursDoNotMakeASecret) {
  batch_.column("a")->add_string(row(), "pass");
  batch_.column("a")->add_string(row(), "word=hunter2");
  batch_.column("a")->add_string(row(), "41111111");
  batch_.column("a")->add_string(row(), "11111111");
  run();
  EXPECT_EQ(values("a"), "0:pass | 1:word=hunter2 | 2:41111111 | 3:11111111");
}

TEST_F(RedactBatch, ByNameWholeAndNumbersToo) {
  uint32_t r = row();
  batch_.column("user.password")->add_string(r, "any thing");
  batch_.column("token")->add_int(r, 15);
  batch_.column("cvv")->add_int(r, 123);
  batch_.column("card")->add_int(r, 4111111111111111);
  batch_.column("card_number")->add_int(r, 4111111111111112);
  batch_.column("cookie")->add_text(r, model::Kind::kArray, R"(["a=b","c",null,])");
  r = row();
  batch_.column("user.password")->add_null(r);
  batch_.column("cvv")->add_string(r, "");
  r = row();
  batch_.column("user.password")->add_int(r, 777);
  batch_.column("token")->add_string(r, "abc");
  run();
  EXPECT_EQ(values("user.password"), "0:[redacted:password] | 1: | 2:[redacted:password]");
  EXPECT_EQ(values("token"), "0:15 | 2:[redacted:token]");
  EXPECT_EQ(values("cvv"), "0:[redacted:cvv] | 1:");
  EXPECT_EQ(values("card"), "0:[redacted:card]");
  EXPECT_EQ(values("card_number"), "0:4111111111111112");
  EXPECT_EQ(values("cookie"), R"(0:["[redacted:cookie]","[redacted:cookie]",null,])");
  EXPECT_EQ(batch_.find("user.password")->runs()[1].kind, model::Kind::kNull);
  EXPECT_EQ(values("_flags"), "0:32 | 2:32");
  RedactionCounts again = redactor_->no_counts();
  EXPECT_EQ(redactor_->redact(batch_, again), 0u);
}

TEST_F(RedactBatch, TheLineDoesNotBringItBack) {
  uint32_t r = row();
  batch_.column("secret")->add_string(r, "xyzzy");  // too plain for the text's own rule
  batch_.column("_raw")->add_string(r, "login xyzzy secret xyzzy done");
  run();
  EXPECT_EQ(values("_raw"), "0:login [redacted:secret] secret [redacted:secret] done");
}

TEST_F(RedactBatch, KeysOverSeveralLines) {
  for (std::string_view line : {"-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA7",
                                "abcdefghijkl+/==", "-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA7"}) {
    batch_.column("_raw")->add_string(row(), line);
  }
  run();
  EXPECT_EQ(
      values("_raw"),
      "0:[redacted:private_key] | 1:[redacted:private_key] | 2:[redacted:private_key] | 3:[redacted:private_key] | "
      "4:MIIEpAIBAAKCAQEA7");
}

TEST_F(RedactBatch, ArraysStayArrays) {
  uint32_t r = row();
  batch_.column("args")->add_text(r, model::Kind::kArray, R"(["--password=x1y2","a \"token\": \"abcdef123\"",3])");
  run();
  EXPECT_EQ(values("args"), R"(0:["--password=[redacted:password]","a \"token\": \"[redacted:token]\"",3])");
  EXPECT_EQ(batch_.find("args")->runs()[0].kind, model::Kind::kArray);
}

TEST_F(RedactBatch, FieldsBeyondTheColumns) {
  std::string rest;
  model::append_rest({.name = "a.password", .kind = model::Kind::kString, .text = "geheim"}, rest);
  model::append_rest({.name = "b", .kind = model::Kind::kInt, .lane = -5, .text = {}}, rest);
  model::append_rest({.name = "c", .kind = model::Kind::kString, .text = "token=abc123def"}, rest);
  batch_.column("_rest")->add_string(row(), rest);
  run();
  model::RestReader reader(batch_.find("_rest")->text_at(0));
  model::RestField field;
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.text, "[redacted:password]");
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.lane, -5);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.text, "token=[redacted:token]");
  EXPECT_FALSE(reader.next(field));
  EXPECT_EQ(values("_flags"), "0:32");
}

TEST_F(RedactBatch, OtherKindsOfTheColumnStay) {
  batch_.column("m")->add_decimal(row(), 125, 2);
  batch_.column("m")->add_bool(row(), true);
  batch_.column("m")->add_float(row(), 0.1);
  batch_.column("m")->add_uint(row(), UINT64_MAX);
  batch_.column("m")->add_string(row(), "password=abcd");
  batch_.column("m")->add_int(row(), -3);
  run();
  EXPECT_EQ(values("m"), "0:1.25 | 1:1 | 2:0.1 | 3:18446744073709551615 | 4:password=[redacted:password] | 5:-3");
}

// A column of numbers as texts is one run of digits from its first byte to its last. (Half a minute and more where each
// look goes back to the column's begin.)
TEST(NextDigits, OfNumbersSideBySideEachIsLookedAtOnce) {
  std::string lane;
  for (int i = 0; i < 400'000; ++i) lane += std::to_string(100'000 + i);
  size_t found = 0;
  for (size_t from = 0; from + 13 <= lane.size(); from += 6) found += next_digits(lane, from) == from ? 1 : 0;
  EXPECT_EQ(found, (lane.size() - 13) / 6 + 1);
}

}  // namespace
}  // namespace clew::process
