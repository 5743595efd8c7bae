// Steps that add what is known from elsewhere: geoip, user_agent, metadata.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "geo/address.h"
#include "geo/database.h"
#include "pipeline/step.h"
#include "pipeline/user_agent.h"

namespace clew::pipeline {
namespace {

constexpr size_t kKnownMax = 1 << 16;  // addresses, records, agents that a step remembers

// geoip: {field: client.ip, target: geo}: where an address is.
class GeoStep final : public Step {
 public:
  GeoStep(std::string field, std::string target, std::vector<geo::Property> properties, geo::DatabasePtr database)
      : field_(std::move(field)), properties_(std::move(properties)), database_(std::move(database)) {
    for (geo::Property property : properties_) {
      names_.push_back(target + "." + std::string(geo::kPropertyNames[static_cast<size_t>(property)]));
    }
  }
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(field_);
    std::vector<Field*> fields;
    for (const std::string& name : names_) fields.push_back(&batch.make_named(name));
    if (places_.size() > kKnownMax) places_.clear();
    if (records_.size() > kKnownMax) records_.clear();
    for (uint32_t row : on) {
      if (texts[row].data() == nullptr || database_ == nullptr) continue;
      const geo::Place* place = find(texts[row]);
      if (place == &damaged_) {
        fail(batch, row, counts);
        continue;
      }
      for (size_t i = 0; place != nullptr && i < fields.size(); ++i) {
        const std::string& text = place->at(properties_[i]);
        if (!text.empty()) batch.set(*fields[i], row, Cell::string(text));
      }
    }
  }

 private:
  // Null where nothing is known of it.
  const geo::Place* find(std::string_view text) {
    auto known = records_.find(std::string(text));
    if (known == records_.end()) known = records_.emplace(std::string(text), record_of(text)).first;
    if (known->second == kUnknown) return nullptr;
    if (known->second == kDamaged) return &damaged_;
    auto place = places_.find(known->second);
    if (place != places_.end()) return place->second.get();
    Result<geo::Place> read = database_->place(static_cast<uint32_t>(known->second));
    if (!read.ok()) return &damaged_;
    return places_.emplace(known->second, std::make_unique<geo::Place>(std::move(read).take())).first->second.get();
  }
  int64_t record_of(std::string_view text) const {
    std::optional<geo::Address> address = geo::parse_address(text);
    if (!address) return kUnknown;
    Result<std::optional<uint32_t>> record = database_->find(*address);
    if (!record.ok()) return kDamaged;
    return *record ? int64_t{**record} : kUnknown;
  }

  static constexpr int64_t kUnknown = -1;
  static constexpr int64_t kDamaged = -2;
  const std::string field_;
  std::vector<std::string> names_;
  const std::vector<geo::Property> properties_;
  const geo::DatabasePtr database_;
  const geo::Place damaged_;
  std::unordered_map<std::string, int64_t> records_;                 // by address
  std::unordered_map<int64_t, std::unique_ptr<geo::Place>> places_;  // by record
};

StepPtr make_geoip(Options& options, StepContext& context) {
  std::string field = options.required("field");
  std::string target = options.text("target", "geo");
  std::string source = options.text("source", geo::kDefaultSource);
  check_target(options, options.line(), target);
  std::vector<geo::Property> properties;
  for (const std::string& name : options.list("properties")) {
    std::optional<geo::Property> property = geo::find_property(name);
    if (property)
      properties.push_back(*property);
    else
      options.blame(fmt::format("no property {}; known: {}", name, fmt::join(geo::kPropertyNames, ", ")));
  }
  for (size_t i = 0; properties.empty() && i < geo::kPropertyCount; ++i) {
    properties.push_back(static_cast<geo::Property>(i));
  }
  geo::DatabasePtr database;
  if (context.around.geo != nullptr) {
    Result<geo::DatabasePtr> found = context.around.geo->find(source);
    if (found.ok())
      database = *found;
    else
      options.blame(found.error().message());
  }
  return std::make_unique<GeoStep>(std::move(field), std::move(target), std::move(properties), std::move(database));
}

// user_agent: {field: user_agent.original}: who asked, with what, on what.
class UserAgentStep final : public Step {
 public:
  UserAgentStep(std::string field, const std::string& target) : field_(std::move(field)), target_(target) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    const std::vector<std::string_view>& texts = batch.texts(field_);
    Field& name = batch.make_named(target_ + ".name");
    Field& version = batch.make_named(target_ + ".version");
    Field& os = batch.make_named(target_ + ".os.name");
    Field& os_version = batch.make_named(target_ + ".os.version");
    Field& device = batch.make_named(target_ + ".device.name");
    auto add = [&](Field& field, uint32_t row, std::string_view text) {
      if (!text.empty()) batch.set(field, row, Cell::string(text));
    };
    if (known_.size() > kKnownMax) known_.clear();
    for (uint32_t row : on) {
      if (texts[row].empty()) continue;
      auto known = known_.find(std::string(texts[row]));
      if (known == known_.end()) {
        known = known_.emplace(std::string(texts[row]), UserAgent()).first;
        known->second = parse_user_agent(known->first);
      }
      const UserAgent& agent = known->second;
      add(name, row, agent.name);
      add(version, row, agent.version);
      add(os, row, agent.os_name);
      add(os_version, row, agent.os_version);
      add(device, row, agent.device);
    }
  }

 private:
  const std::string field_;
  const std::string target_;
  std::unordered_map<std::string, UserAgent> known_;  // views into the keys
};

StepPtr make_user_agent(Options& options, StepContext&) {
  std::string field = "user_agent.original";
  std::string target = "user_agent";
  if (!options.tree().is_null()) {
    field = options.text("field", field);
    target = options.text("target", target);
    check_target(options, options.line(), target);
  }
  return std::make_unique<UserAgentStep>(std::move(field), target);
}

// metadata: [host, cloud]: what the machine says of itself; an event's own values stay.
class MetadataStep final : public Step {
 public:
  explicit MetadataStep(HostFacts facts) : facts_(std::move(facts)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const auto& [name, value] : facts_) {
      Field& field = batch.make_named(name);
      for (uint32_t row : on) {
        if (!field.cells[row].any()) batch.set(field, row, Cell::string(value));
      }
    }
  }

 private:
  const HostFacts facts_;
};

StepPtr make_metadata(Options& options, StepContext& context) {
  std::vector<std::string> wanted = {"host", "cloud"};
  if (!options.tree().is_null()) wanted = options.whole_list("of");
  HostFacts facts;
  for (const std::string& kind : wanted) {
    if (kind != "host" && kind != "cloud" && kind != "os") {
      options.blame(fmt::format("no metadata {}; known: host, os, cloud; containers are told by their sources", kind));
    }
    for (const auto& fact : context.around.host) {
      if (fact.first.starts_with(kind + ".")) facts.push_back(fact);
    }
  }
  return std::make_unique<MetadataStep>(std::move(facts));
}

constexpr StepKind kKinds[] = {
    {"geoip", "write geoip: {field: client.ip, target: client.geo}", make_geoip},
    {"user_agent", "write user_agent: {field: user_agent.original}", make_user_agent},
    {"metadata", "write metadata: [host, os, cloud]", make_metadata},
};

}  // namespace

std::span<const StepKind> enrich_steps() { return kKinds; }

}  // namespace clew::pipeline
