#include "query/live_names.h"

namespace clew::query {
namespace {

// Where events go that name no dataset; stands for all of them while there are none.
constexpr const char* kFirstDataset = "logs";

bool has(const std::vector<contract::DatasetInfo>& infos, const std::string& name) {
  return std::any_of(infos.begin(), infos.end(), [&](const auto& info) { return info.name == name; });
}

}  // namespace

Result<contract::Snapshot> LiveNames::snapshot(const contract::Access&, const contract::Scan& scan,
                                               contract::ScanStats&) {
  contract::Snapshot out;
  for (const contract::GranulePtr& granule : samples_) {
    bool wanted = std::find(scan.datasets.begin(), scan.datasets.end(), granule->dataset()) != scan.datasets.end();
    if (wanted) out.granules.push_back(granule);
  }
  return out;
}

Result<std::vector<contract::DatasetInfo>> LiveNames::datasets(const contract::Access& access) {
  std::vector<contract::DatasetInfo> infos = CLEW_TRY(source_.datasets(access));
  for (const std::string& name : datasets_) {
    if (!has(infos, name)) infos.push_back({name, 0, 0, 0, 0});
  }
  bool readable = access.datasets.empty() ||
                  std::find(access.datasets.begin(), access.datasets.end(), kFirstDataset) != access.datasets.end();
  if (readable && !has(infos, kFirstDataset)) infos.push_back({kFirstDataset, 0, 0, 0, 0});
  return infos;
}

Result<std::vector<contract::FieldInfo>> LiveNames::fields(const contract::Access& access, const std::string& dataset) {
  Result<std::vector<contract::FieldInfo>> known = source_.fields(access, dataset);
  if (!known.ok() && known.error().code() != Code::kNotFound) return known;
  std::vector<contract::FieldInfo> out = known.ok() ? std::move(known).take() : std::vector<contract::FieldInfo>();
  // Of events that are only lines, `message` is the line (query/ppl/context.cc); an expected name must not end that.
  bool only_lines = std::all_of(out.begin(), out.end(), [](const contract::FieldInfo& field) {
    return field.name == "@timestamp" || field.name == "level" || field.name.starts_with('_');
  });
  if (only_lines && !fields_.empty()) out.push_back({"message", {model::Type::kString}, 0, 0, 0});
  for (const std::string& name : fields_) out.push_back({name, {model::Type::kMixed}, 0, 0, 0});
  return out;
}

}  // namespace clew::query
