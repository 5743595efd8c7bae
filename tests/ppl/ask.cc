// clew_ppl_ask: answers queries over documents, line by line. Takes JSON lines from stdin:
//   {"load": DATASET, "lines": NDJSON, "types": {FIELD: TYPE}}   no answer
//   {"query": TEXT}                                              {"status": n, "body": {...}}
#include <iostream>
#include <nlohmann/json.hpp>

#include "ppl_store.h"

namespace clew::query::testing {
namespace {

using Json = nlohmann::json;

model::Type type_of(const std::string& name) {
  if (name == "date") return model::Type::kTimestamp;
  if (name == "ip") return model::Type::kIp;
  if (name == "integer" || name == "short" || name == "byte") return model::Type::kInt;
  if (name == "long") return model::Type::kLong;
  if (name == "float" || name == "half_float") return model::Type::kFloat;
  if (name == "double") return model::Type::kDouble;
  if (name == "boolean") return model::Type::kBool;
  if (name == "object") return model::Type::kStruct;
  if (name == "nested") return model::Type::kArray;
  return model::Type::kString;
}

void load(PplStore& store, const Json& line) {
  std::vector<std::pair<std::string, model::Type>> types;
  for (const auto& [field, type] : line["types"].items()) types.emplace_back(field, type_of(type.get<std::string>()));
  std::string dataset = line["load"];
  if (!types.empty()) CHECK(store.store().declare_types({}, dataset, std::move(types)).ok());
  Status status = store.feed(dataset, line["lines"].get<std::string>());
  CHECK(status.ok(), dataset, status.ok() ? "" : status.error().message());
  store.clock().advance(1'000'000);
}

std::string answer(PplStore& store, const std::string& text) {
  Request request;
  request.text = text;
  std::unique_ptr<BodyReceiver> receiver = make_body_receiver(Format::kJdbc, {});
  Outcome outcome = store.ask(request, *receiver);
  if (outcome.failure) {
    return "{\"status\":" + std::to_string(failure_status(outcome.failure->kind)) +
           ",\"body\":" + failure_body(*outcome.failure) + "}";
  }
  return "{\"status\":200,\"body\":" + receiver->body() + "}";
}

}  // namespace
}  // namespace clew::query::testing

int main() {
  clew::query::testing::PplStore store;
  std::string line;
  while (std::getline(std::cin, line)) {
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return 1;
    if (json.contains("load")) {
      clew::query::testing::load(store, json);
      continue;
    }
    std::cout << clew::query::testing::answer(store, json["query"].get<std::string>()) << std::endl;
  }
  return 0;
}
