#include "wire/json_event.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "model/batch_text.h"
#include "text/utf8.h"

namespace clew::wire {
namespace {

using Json = nlohmann::ordered_json;

struct Reading {
  Reading() : reader(rows) {
    intake.arrival = UnixNanos(1'795'171'025'000'000'000);
    rows.attach(batch, intake);
  }
  // The document as it comes back, or the error.
  std::string read(std::string_view text, Newlines newlines = Newlines::kBlank) {
    // A copy without a byte to spare, so that the sanitizer sees reads beyond the end.
    std::vector<char> bytes(text.begin(), text.end());
    rows.begin_row();
    const char* after = reader.read(bytes.data(), bytes.data() + bytes.size(), newlines);
    if (after == nullptr) {
      rows.abandon_row();
      return std::string("error: ") + reader.error();
    }
    used = static_cast<size_t>(after - bytes.data());
    rows.end_row();
    return model::row_document(batch, batch.rows() - 1);
  }
  std::string fields() { return model::row_text(batch, batch.rows() - 1); }

  Intake intake;
  model::Batch batch;
  RowWriter rows;
  JsonEventReader reader;
  size_t used = 0;
};

constexpr std::string_view kArrival = R"("_time":"2026-11-20T10:37:05Z","_flags":"arrival_time)";

std::string with_arrival(std::string_view more) { return "{" + std::string(kArrival) + std::string(more); }

TEST(JsonEvent, FlatDocumentsComeBack) {
  Reading r;
  for (std::string_view text : {
           R"({"a":1,"b":"x","c":true,"d":null,"e":1.50,"f":-0,"g":1e400,"h":[],"i":{}})",
           R"({"a":2,"b":"y","c":false,"d":null,"e":2.5,"f":7,"g":18446744073709551615,"h":[1,"a",null],"i":{}})",
           R"({"a":9223372036854775807,"b":9223372036854775808,"c":-9223372036854775808,"d":0.9999999999999999999})",
           R"({"a":9999999999999999999,"b":-9999999999999999999,"c":99999999999999999999})",
           R"({"a":3,"c":true})",
           R"({"c":true,"a":4})",
           R"({"a.b":1,"a":{"c":{"d.e":2,"f":[]}},"":0,"_id":"x","_time":"y"})",
           R"({})",
       }) {
    EXPECT_EQ(r.read(text), text);
  }
}

TEST(JsonEvent, FieldsAreFlat) {
  Reading r;
  r.read(R"({"a":{"b":{"c":1}},"d":[1, {"x" : 2}],"e":[{"x":1},{"y":"z"}]})");
  EXPECT_EQ(r.fields(), with_arrival(R"(","a.b.c":1,"d":[1,{"x":2}],"e.x":[1,],"e.y":[,"z"]})"));
}

TEST(JsonEvent, ArraysOfObjectsComeBack) {
  Reading r;
  for (std::string_view text : {
           R"({"e":[{"a":1,"b":{"c":"x"}},{"b":{"c":null,"d":[{"z":1}]}},{}]})",
           R"({"e":[{"a":1}],"f":{"g":[{"h":{}}]}})",
           R"({"e":[{},{}]})",
           R"({"e":[{"a":1,"b":2},{"b":1,"a":2}]})",
           R"({"e":[{"a":1},2]})",
           R"({"e":[{"a.b":1,"a":{"b":2}}]})",
           R"({"e":[{"a":1},{"a":{"b":2}}]})",
       }) {
    EXPECT_EQ(r.read(text), text);
  }
}

TEST(JsonEvent, OfDuplicateKeysTheLastWins) {
  Reading r;
  EXPECT_EQ(r.read(R"({"a":1,"b":2,"a":3})"), R"({"b":2,"a":3})");
  EXPECT_EQ(r.fields(), R"({"_time":"2026-11-20T10:37:05Z","_flags":"duplicate_key arrival_time","a":3,"b":2})");
  EXPECT_EQ(r.read(R"({"a":{"x":1,"y":{"z":2}},"b":2,"a":3})"), R"({"b":2,"a":3})");
  EXPECT_EQ(r.read(R"({"a":3,"b":2,"a":{"x":1}})"), R"({"b":2,"a":{"x":1}})");
  EXPECT_EQ(r.read(R"({"a":[{"k":1},{"k":2}],"b":2,"a":"s"})"), R"({"b":2,"a":"s"})");
  EXPECT_EQ(r.read(R"({"o":{"a":1,"a":2,"a":{"q":0}}})"), R"({"o":{"a":{"q":0}}})");
}

TEST(JsonEvent, OnePathTwiceKeepsTheText) {
  Reading r;
  std::string_view text = R"({"a.b":1,"a":{"b":2}})";
  EXPECT_EQ(r.read(text), text);
  EXPECT_EQ(model::value_of(r.batch, "a.b", 0)->lane, 2);
}

TEST(JsonEvent, StringsAreUnescapedOnce) {
  Reading r;
  r.read(R"({"a":"q\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","b\u0020c":"\u0000"})");
  EXPECT_EQ(model::value_of(r.batch, "a", 0)->text, "q\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(model::value_of(r.batch, "b c", 0)->text, std::string_view("\0", 1));
}

TEST(JsonEvent, OddBytesAreKeptAndFlagged) {
  Reading r;
  r.read("{\"a\":\"x\xff\"}");
  EXPECT_EQ(r.fields(), "{\"_time\":\"2026-11-20T10:37:05Z\",\"_flags\":\"bad_utf8 arrival_time\",\"a\":\"x\xff\"}");
  r.read(R"({"a":"\ud800"})");
  EXPECT_EQ(model::value_of(r.batch, "a", 1)->text, "\\ud800");
  r.read(R"({"a":NaN,"b":[-Infinity,1]})");
  EXPECT_EQ(r.fields(),
            R"({"_time":"2026-11-20T10:37:05Z","_flags":"parse_error arrival_time","a":"NaN","b":["-Infinity",1]})");
  r.read("{\"k\xff\":1}");
  EXPECT_TRUE(model::value_of(r.batch, "k\xef\xbf\xbd", 3));
}

TEST(JsonEvent, TheTimeIsDerived) {
  Reading r;
  r.read(R"({"timestamp":"2026-11-20T10:00:00.5Z","a":1})");
  EXPECT_EQ(r.fields(), R"({"_time":"2026-11-20T10:00:00.500Z","a":1,"timestamp":"2026-11-20T10:00:00.5Z"})");
  r.read(R"({"time":"20\/Nov\/2026:10:00:00 +0000"})");
  EXPECT_EQ(r.fields(), R"({"_time":"2026-11-20T10:00:00Z","time":"20/Nov/2026:10:00:00 +0000"})");
}

TEST(JsonEvent, ErrorsAreSaid) {
  Reading r;
  EXPECT_EQ(r.read(R"({"a":1)"), "error: the object does not end");
  EXPECT_EQ(r.read(R"({"a" 1})"), "error: expected : after the key");
  EXPECT_EQ(r.read(R"({"a":1 "b":2})"), "error: expected , or }");
  EXPECT_EQ(r.read(R"({"a":})"), "error: expected a value");
  EXPECT_EQ(r.read(R"({"a":1,})"), "error: expected a key");
  EXPECT_EQ(r.read("{\"a\":\"x\ny\"}"), "error: the value is no JSON string");
  EXPECT_EQ(r.read("{\"a\":1,\n\"b\":2}", Newlines::kEndDocument), "error: expected a key");
  EXPECT_EQ(r.batch.rows(), 0u);
  EXPECT_EQ(r.read("{\"a\":1,\n\"b\":2}"), R"({"a":1,"b":2})");
}

TEST(JsonEvent, LimitsKeepTheText) {
  auto nested = [](unsigned depth) {
    std::string text;
    for (unsigned i = 0; i < depth; ++i) text += "{\"a\":";
    return text + "1" + std::string(depth, '}');
  };
  Reading r;
  EXPECT_EQ(r.read(nested(kDepthMax)), nested(kDepthMax));
  EXPECT_EQ(r.batch.find("_raw"), nullptr);
  EXPECT_EQ(r.read(nested(kDepthMax + 1)), nested(kDepthMax + 1));
  EXPECT_EQ(model::value_of(r.batch, "_raw", 1)->text, nested(kDepthMax + 1));
  EXPECT_EQ(r.read(nested(100'000)), nested(100'000));
  std::string arrays = "{\"a\":" + std::string(kDepthMax, '[') + std::string(kDepthMax, ']') + "}";
  EXPECT_EQ(r.read(arrays), arrays);
  EXPECT_TRUE(model::value_of(r.batch, "_raw", 3));
  EXPECT_EQ(r.read("{\"a\":" + std::string(100'000, '[')), "error: not valid JSON");

  auto wide = [](uint32_t fields) {
    std::string text = "{";
    for (uint32_t i = 0; i < fields; ++i) text += (i == 0 ? "\"f" : ",\"f") + std::to_string(i) + "\":1";
    return text + "}";
  };
  EXPECT_EQ(r.read(wide(kFieldsPerEventMax)), wide(kFieldsPerEventMax));
  EXPECT_FALSE(model::value_of(r.batch, "_raw", 4));
  EXPECT_EQ(r.read(wide(kFieldsPerEventMax + 1)), wide(kFieldsPerEventMax + 1));
  EXPECT_TRUE(model::value_of(r.batch, "_raw", 5));
  EXPECT_LE(r.batch.columns().size(), model::kColumnsMax);

  std::string long_name(2000, 'n');
  EXPECT_EQ(r.read("{\"" + long_name + "\":1}"), "{\"" + long_name + "\":1}");
  std::string gaps = "{\"e\":[{\"a\":1}";
  for (int i = 0; i < 5000; ++i) gaps += ",{\"k" + std::to_string(i) + "\":1}";
  gaps += "]}";
  EXPECT_EQ(r.read(gaps), gaps);
  EXPECT_LT(r.batch.memory_bytes(), 4u << 20);
}

TEST(JsonEvent, NamesThatAreDataDoNotFillTheMemory) {
  Reading r;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = "{\"user" + std::to_string(i) + "\":" + std::to_string(i) + "}";
    ASSERT_EQ(r.read(text), text);
    if (i % 1000 == 999) {
      r.batch.clear();
      r.rows.attach(r.batch, r.intake);
    }
  }
  EXPECT_LE(r.rows.fields_count(), 50'000u);
}

// A random document and a random way to write it.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}
  Json object(int depth) {
    Json out = Json::object();
    for (unsigned n = pick(6); n > 0; --n) out[key()] = value(depth + 1);
    return out;
  }
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

 private:
  std::string key() {
    static const char* kKeys[] = {"a", "b", "c.d", "longer_key_name_with_text", "\xc3\xa9", "", "x\"y", "_id", "t"};
    return kKeys[pick(9)];
  }
  Json value(int depth) {
    switch (pick(depth > 4 ? 6 : 9)) {
      case 0: return nullptr;
      case 1: return pick(2) == 0;
      case 2: return static_cast<int64_t>(random_()) >> pick(60);
      case 3: return static_cast<double>(static_cast<int64_t>(random_() % 1'000'000)) / 64;
      case 4: return std::string(pick(40), static_cast<char>('a' + pick(26))) + "\n\xe2\x82\xac";
      case 5: return "plain text number " + std::to_string(pick(1000));
      case 6: return object(depth);
      default: {
        Json out = Json::array();
        bool objects = pick(2) == 0;
        for (unsigned n = pick(5); n > 0; --n) out.push_back(objects ? object(depth + 1) : value(depth + 1));
        return out;
      }
    }
  }
  std::mt19937_64 random_;
};

TEST(JsonEvent, RandomDocumentsComeBack) {
  Maker maker(3);
  Reading r;
  for (int round = 0; round < 4000; ++round) {
    Json document = maker.object(0);
    std::string text = document.dump(maker.pick(3) == 0 ? 2 : -1);
    std::string back = r.read(text);
    ASSERT_EQ(Json::parse(back, nullptr, false), document) << text << "\n" << back;
    if (round % 500 == 499) {
      r.batch.clear();
      r.rows.attach(r.batch, r.intake);
    }
  }
}

TEST(JsonEvent, BrokenDocumentsAreJudgedAsTheReferenceDoes) {
  Maker maker(5);
  Reading r;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = maker.object(2).dump();
    for (unsigned n = maker.pick(3); n > 0; --n) {
      size_t at = maker.pick(static_cast<unsigned>(text.size()));
      switch (maker.pick(3)) {
        case 0: text[at] = "{}[],:\"\\0+-. x"[maker.pick(14)]; break;
        case 1: text.erase(at, 1); break;
        default: text.insert(at, 1, "{}[],:\"\\0+-. x"[maker.pick(14)]);
      }
      if (text.empty()) text = "{";
    }
    bool valid = Json::accept(text);
    EXPECT_EQ(is_json(text), valid) << text;
    std::string back = r.read(text);
    if (text[0] != '{' || !text::is_valid_utf8(text)) continue;  // ingest takes any bytes
    bool taken = back.rfind("error: ", 0) != 0 && text.find_first_not_of(" \n", r.used) == std::string::npos;
    ASSERT_EQ(taken, valid) << text << "\n" << back;
    if (round % 500 == 499) {
      r.batch.clear();
      r.rows.attach(r.batch, r.intake);
    }
  }
}

std::filesystem::path shared_path(std::string_view below) { return std::filesystem::path("..") / "shared" / below; }

TEST(JsonConformance, TestSuite) {
  std::filesystem::path dir = shared_path("suites/JSONTestSuite");
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no ../shared";
  int checked = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json" || name.size() < 2 || name[1] != '_') continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    bool taken = is_json(text.str());
    if (name[0] != 'i') {
      EXPECT_EQ(taken, name[0] == 'y') << name;
    }
    Reading r;
    r.read(text.str());
    ++checked;
  }
  EXPECT_GT(checked, 300);
}

}  // namespace
}  // namespace clew::wire
