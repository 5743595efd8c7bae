#include "scrape/push_groups.h"

#include <nlohmann/json.hpp>
#include <set>

#include "wire/exposition_write.h"
#include "wire/prometheus_number.h"

namespace clew::scrape {
namespace {

using Json = nlohmann::json;

constexpr int kFileVersion = 1;
constexpr const char* kPushTime = "push_time_seconds";
constexpr const char* kFailureTime = "push_failure_time_seconds";

// The metric that a series belongs to: the one whose TYPE was told, where the name is one of its.
std::string family_of(const std::string& name, const std::map<std::string, model::MetricType>& types) {
  if (types.contains(name)) return name;
  for (std::string_view suffix : {"_bucket", "_sum", "_count", "_total", "_created", "_info"}) {
    if (!name.ends_with(suffix)) continue;
    std::string base = name.substr(0, name.size() - suffix.size());
    if (types.contains(base)) return base;
  }
  return name;
}

Json to_json(model::LabelsView labels) {
  Json out = Json::object();
  for (model::Label label : labels) out[std::string(label.name)] = std::string(label.value);
  return out;
}

std::string packed_of(const Json& json) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : json.items())
    pairs.emplace_back(name, value.is_string() ? value.get<std::string>() : "");
  return model::Labels::of(std::move(pairs)).packed();
}

}  // namespace

Result<std::unique_ptr<PushGroups>> PushGroups::open(os::Disk& disk, const os::Clock& clock, std::string path) {
  std::unique_ptr<PushGroups> made(new PushGroups(disk, clock, std::move(path)));
  CLEW_TRY(made->load());
  return made;
}

Status PushGroups::load() {
  Result<std::unique_ptr<os::File>> file = disk_.open(path_, os::OpenMode::kRead);
  if (!file.ok() && file.error().code() == Code::kNotFound) return {};
  if (!file.ok()) return file.error();
  uint64_t bytes = CLEW_TRY((*file)->size_bytes());
  if (bytes > kPushBytesMax) return Error(Code::kCorrupt, path_ + " holds no pushed groups: over 256 MiB");
  std::string text = CLEW_TRY((*file)->read_at(0, bytes));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json["version"] != kFileVersion || !json["groups"].is_array()) {
    return Error(Code::kCorrupt, path_ + " holds no pushed groups of version 1");
  }
  auto groups = std::make_shared<Groups>();
  try {
    for (const Json& one : json["groups"]) read_group(one, (*groups)[packed_of(one.at("labels"))]);
  } catch (const Json::exception& error) {
    return Error(Code::kCorrupt, path_ + " holds no pushed groups of version 1: " + error.what());
  }
  base::MutexLock lock(mutex_);
  groups_ = std::move(groups);
  return {};
}

// Throws Json::exception for what is no group.
void PushGroups::read_group(const nlohmann::json& json, Group& group) {
  group.pushed_millis = json.at("pushed_millis").get<int64_t>();
  group.failed_millis = json.at("failed_millis").get<int64_t>();
  for (const auto& [name, told] : json.at("families").items()) {
    Family& family = group.families[name];
    family.type = model::metric_type_of(told.at("type").get<std::string>()).value_or(model::MetricType::kUnknown);
    family.help = told.at("help").get<std::string>();
    for (const Json& series : told.at("series")) {
      double value = 0;
      (void)wire::parse_exposition_value(series.at("value").get<std::string>(), value);
      family.series[packed_of(series.at("labels"))] = value;
    }
  }
}

Status PushGroups::save(const Groups& groups) const {
  Json json = {{"version", kFileVersion}, {"groups", Json::array()}};
  for (const auto& [packed, group] : groups) {
    Json families = Json::object();
    for (const auto& [name, family] : group.families) {
      Json series = Json::array();
      for (const auto& [labels, value] : family.series) {
        series.push_back({{"labels", to_json(model::LabelsView(labels))}, {"value", wire::exposition_number(value)}});
      }
      families[name] = {{"type", std::string(model::metric_type_name(family.type))},
                        {"help", family.help},
                        {"series", std::move(series)}};
    }
    json["groups"].push_back({{"labels", to_json(model::LabelsView(packed))},
                              {"pushed_millis", group.pushed_millis},
                              {"failed_millis", group.failed_millis},
                              {"families", std::move(families)}});
  }
  std::string text = json.dump();
  if (text.size() > kPushBytesMax) return Error(Code::kTooLarge, "pushed groups have more than 256 MiB together");
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path_ + ".new", os::OpenMode::kReplace));
  CLEW_TRY(file->write_at(0, text));
  CLEW_TRY(file->sync());
  file.reset();
  return disk_.rename(path_ + ".new", path_);
}

Status PushGroups::read_page(const model::Labels& group, std::string_view page, wire::ExpositionFormat format,
                             std::map<std::string, Family>& families) const {
  std::string whole(page);
  if (format != wire::ExpositionFormat::kProtobuf && !whole.empty() && whole.back() != '\n') whole += '\n';
  std::unique_ptr<wire::Exposition> reader = wire::read_exposition(whole, format, wire::Strictness::kStrict);
  std::map<std::string, model::MetricType> types;
  wire::LabelPairs labels;
  while (true) {
    wire::ExpositionKind kind = CLEW_TRY(reader->next());
    if (kind == wire::ExpositionKind::kEnd) return {};
    if (kind == wire::ExpositionKind::kType || kind == wire::ExpositionKind::kHelp) {
      Family& family = families[std::string(reader->told().metric)];
      if (kind == wire::ExpositionKind::kHelp) family.help = reader->told().text;
      if (kind == wire::ExpositionKind::kType) {
        family.type = reader->told().type;
        types[std::string(reader->told().metric)] = family.type;
      }
      continue;
    }
    if (kind == wire::ExpositionKind::kUnit) continue;
    if (kind == wire::ExpositionKind::kHistogram) {
      return Error(Code::kInvalid, "native histograms cannot be pushed in groups: push classic ones");
    }
    if (reader->point().has_time) return Error(Code::kInvalid, "pushed metrics must not have timestamps");
    CLEW_TRY(reader->read_labels(labels));
    std::string name;
    for (const auto& [label, value] : labels) {
      if (label == model::kMetricNameLabel) name = value;
    }
    if (name == kPushTime || name == kFailureTime) continue;  // ours
    for (model::Label label : group) labels.emplace_back(label.name, label.value);
    families[family_of(name, types)].series[model::Labels::of(labels).packed()] = reader->point().value;
  }
}

Status PushGroups::push(const model::Labels& group, std::string_view page, wire::ExpositionFormat format, How how) {
  std::map<std::string, Family> families;
  Status read = read_page(group, page, format, families);
  std::erase_if(families, [](const auto& family) { return family.second.series.empty(); });
  base::MutexLock writing(writing_);
  std::shared_ptr<const Groups> before;
  {
    base::MutexLock lock(mutex_);
    before = groups_;
  }
  auto now = std::make_shared<Groups>(*before);
  if (!now->contains(group.packed()) && now->size() >= kPushGroupsMax) {
    return Error(Code::kTooLarge, "more than " + std::to_string(kPushGroupsMax) + " pushed groups: delete some");
  }
  Group& changed = (*now)[group.packed()];
  int64_t millis = clock_.now().get() / 1'000'000;
  if (!read.ok()) {
    changed.failed_millis = millis;
  } else {
    changed.pushed_millis = millis;
    if (how == How::kReplace) changed.families.clear();
    for (auto& [name, family] : families) changed.families[name] = std::move(family);
  }
  CLEW_TRY(save(*now));
  base::MutexLock lock(mutex_);
  groups_ = std::move(now);
  return read;
}

Status PushGroups::remove(const model::Labels& group) {
  base::MutexLock writing(writing_);
  std::shared_ptr<const Groups> before;
  {
    base::MutexLock lock(mutex_);
    before = groups_;
  }
  if (!before->contains(group.packed())) return {};
  auto now = std::make_shared<Groups>(*before);
  now->erase(group.packed());
  CLEW_TRY(save(*now));
  base::MutexLock lock(mutex_);
  groups_ = std::move(now);
  return {};
}

size_t PushGroups::size() const {
  base::MutexLock lock(mutex_);
  return groups_->size();
}

std::string PushGroups::page() const {
  std::shared_ptr<const Groups> groups;
  {
    base::MutexLock lock(mutex_);
    groups = groups_;
  }
  // Metric by metric, as a page must have it: the first group's help and type hold.
  std::map<std::string, Family> all;
  auto add_time = [&](const std::string& packed, const char* name, const char* help, int64_t millis) {
    Family& family = all[name];
    family.type = model::MetricType::kGauge;
    family.help = help;
    model::LabelsBuilder labels{model::LabelsView(packed)};
    labels.set(model::kMetricNameLabel, name);
    family.series[labels.build().packed()] = static_cast<double>(millis) / 1000;
  };
  for (const auto& [packed, group] : *groups) {
    for (const auto& [name, family] : group.families) {
      Family& to = all[name];
      if (to.series.empty()) {
        to.type = family.type;
        to.help = family.help;
      }
      to.series.insert(family.series.begin(), family.series.end());
    }
    add_time(packed, kPushTime, "Last Unix time when changing this group in the Pushgateway succeeded.",
             group.pushed_millis);
    add_time(packed, kFailureTime, "Last Unix time when changing this group in the Pushgateway failed.",
             group.failed_millis);
  }
  std::string out;
  for (const auto& [name, family] : all) {
    wire::write_told(name, family.type, family.help, out);
    for (const auto& [packed, value] : family.series) {
      model::LabelsView labels(packed);
      wire::write_sample(labels, {.empty_instance = labels.get("instance").empty()}, value, std::nullopt, out);
    }
  }
  return out;
}

}  // namespace clew::scrape
