// JSON documents to columns and back. Oracle: nlohmann-json takes and gives the same; what it refuses, we refuse.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/batch_text.h"
#include "text/utf8.h"
#include "wire/json_event.h"

namespace {

using Json = nlohmann::ordered_json;

// Keys that occur twice in one object: then only the last value comes back and nlohmann may keep another order.
class DuplicateFinder : public nlohmann::json_sax<Json> {
 public:
  bool found = false;
  bool out_of_range = false;  // numbers beyond a double: nlohmann refuses them, JSON does not
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override {
    keys_.emplace_back();
    return true;
  }
  bool key(string_t& k) override {
    for (const std::string& other : keys_.back()) found = found || other == k;
    keys_.back().push_back(k);
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& e) override {
    out_of_range = e.id == 406;
    return false;
  }

 private:
  std::vector<std::vector<std::string>> keys_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  std::string text(reinterpret_cast<const char*>(data), size);
  wire::Intake intake;
  intake.arrival = UnixNanos(1'795'171'025'000'000'000);
  model::Batch batch;
  wire::RowWriter rows;
  wire::JsonEventReader reader(rows);
  rows.attach(batch, intake);
  std::string first_document;
  // Twice: the second time every key is predicted.
  for (int round = 0; round < 2; ++round) {
    std::vector<char> exact(text.begin(), text.end());
    rows.begin_row();
    const char* after = reader.read(exact.data(), exact.data() + exact.size(), wire::Newlines::kBlank);
    bool whole = after != nullptr && wire::scan::blanks<wire::Newlines::kBlank>(after, exact.data() + exact.size()) ==
                                         exact.data() + exact.size();
    if (!whole) {
      rows.abandon_row();
      CHECK(batch.rows() == 0);
      if (wire::is_json(text)) CHECK(text.find_first_not_of(" \t\r\n") == std::string::npos || text[0] != '{', text);
      return 0;
    }
    rows.end_row();
    std::string document = model::row_document(batch, batch.rows() - 1);
    if (round == 0) first_document = document;
    CHECK(document == first_document, document, first_document);
  }
  if (!text::is_valid_utf8(text)) return 0;
  DuplicateFinder finder;
  if (!Json::sax_parse(text, &finder)) {
    // NaN and lone surrogates are taken by ingest; anything else that nlohmann refuses is a mistake of ours.
    bool tolerated = finder.out_of_range || text.find("NaN") != std::string::npos ||
                     text.find("Infinity") != std::string::npos || text.find("\\u") != std::string::npos;
    CHECK(tolerated, text);
    return 0;
  }
  CHECK(wire::is_json(text), text);
  if (finder.found) return 0;
  CHECK(Json::parse(first_document) == Json::parse(text), first_document, text);
  return 0;
}
