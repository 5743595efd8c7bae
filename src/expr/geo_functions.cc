// geoip(): where an IP address is.
#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <unordered_map>

#include "base/mutex.h"
#include "expr/coerce.h"
#include "expr/functions.h"
#include "geo/sources.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;

constexpr size_t kPlacesKept = 1 << 16;  // of one call

// The records of the IPv4 addresses met last: logs name the same addresses again and again.
//
// Threads: any; a slot is one word.
class KnownRecords {
 public:
  // False when the address is not among them.
  bool find(uint32_t address, std::optional<uint32_t>& record) const {
    uint64_t slot = slots_[place(address)].load(std::memory_order_relaxed);
    auto told = static_cast<uint32_t>(slot);
    if (slot >> 32 != address || told == kEmpty) return false;
    record = told == kUnknown ? std::nullopt : std::optional<uint32_t>(told - kFirst);
    return true;
  }
  void add(uint32_t address, std::optional<uint32_t> record) const {
    uint64_t told = record ? uint64_t{*record} + kFirst : kUnknown;
    if (told > UINT32_MAX) return;
    slots_[place(address)].store(uint64_t{address} << 32 | told, std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kSlotBits = 14;
  static constexpr uint32_t kEmpty = 0;
  static constexpr uint32_t kUnknown = 1;  // an address that the database does not know
  static constexpr uint32_t kFirst = 2;    // record 0
  static uint32_t place(uint32_t address) { return address * 0x9e3779b1u >> (32 - kSlotBits); }

  mutable std::array<std::atomic<uint64_t>, 1 << kSlotBits> slots_{};
};

// What a call asks: the database, and the members of its answer in their order. Keeps what it has read, for all
// threads: there are few places among many addresses.
struct GeoQuestion {
  geo::DatabasePtr database;
  std::vector<geo::Property> properties;
  size_t address_argument = 0;

  // Errors: EVALUATION_ERROR for a damaged database.
  Result<std::optional<uint32_t>> record(const geo::Address& address) const;
  Result<model::Members> members(uint32_t record) const;

 private:
  KnownRecords records_;
  mutable base::Mutex mutex_;
  mutable std::unordered_map<uint32_t, model::Members> known_ CLEW_GUARDED_BY(mutex_);
};

bool is_text_constant(const Bound& arg) { return is_constant(arg) && arg.constant.type() == Type::kString; }

// Of two arguments the first is a data source, unless it is an address: no source has the name of one, or is a field.
bool begins_with_address(std::span<const BoundPtr> args) {
  if (args.size() != 2) return args.size() == 1;
  return !is_text_constant(*args[0]) || geo::parse_address(args[0]->constant.text());
}

std::vector<geo::Property> all_properties() {
  std::vector<geo::Property> out;
  for (size_t i = 0; i < geo::kPropertyCount; ++i) out.push_back(static_cast<geo::Property>(i));
  return out;
}

std::string names_of(const geo::Database& database) {
  std::string out;
  size_t count = database.has_cities() ? geo::kPropertyCount : geo::kCountryPropertyCount;
  for (size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ", ") + std::string(geo::kPropertyNames[i]);
  return out;
}

// "country_iso_code, city_name": blanks do not count, nor do capitals.
std::vector<std::string> listed(std::string_view text) {
  std::vector<std::string> out(1);
  for (char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else if (c != ' ') {
      out.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  std::erase(out, std::string());
  return out;
}

Result<std::vector<geo::Property>> read_properties(Binder& binder, const Bound& arg, const geo::Database& database) {
  if (!is_text_constant(arg)) {
    return binder.fail(arg.span, kTypeError, "the properties of geoip() are one text: \"country_iso_code,city_name\"");
  }
  std::vector<geo::Property> out;
  for (const std::string& name : listed(arg.constant.text())) {
    std::optional<geo::Property> property = geo::find_property(name);
    bool country = property && static_cast<size_t>(*property) < geo::kCountryPropertyCount;
    if (!property) {
      return binder.fail(arg.span, kSemanticError, "geoip() knows no property " + quoted(name),
                         "there are " + names_of(database));
    }
    if (!country && !database.has_cities()) {
      return binder.fail(arg.span, kSemanticError, database.path() + " knows countries only, no " + name,
                         "there are " + names_of(database) + "; set geoip.path to a city database for more");
    }
    out.push_back(*property);
  }
  if (out.empty()) return all_properties();
  return out;
}

Result<std::shared_ptr<const void>> prepare_geoip(Binder& binder, std::span<const BoundPtr> args, SourceSpan span) {
  const geo::Sources* sources = binder.options().geo;
  std::string name(geo::kDefaultSource);
  const bool address_first = begins_with_address(args);
  if (!address_first) {
    if (!is_text_constant(*args[0])) {
      return binder.fail(args[0]->span, kTypeError, "the data source of geoip() is a text: geoip(\"country\", ip)");
    }
    name = args[0]->constant.text();
  }
  if (sources == nullptr) return binder.fail(span, kUnsupportedOperation, "geoip() has no database of places here");
  Result<geo::DatabasePtr> database = sources->find(name);
  if (!database.ok()) {
    SourceSpan place = address_first ? span : args[0]->span;
    return binder.fail(place, kSemanticError, "geoip(): " + database.error().message(),
                       "geoip.path and geoip.sources in the configuration name MMDB files");
  }
  auto question = std::make_shared<GeoQuestion>();
  question->database = *database;
  question->properties = all_properties();
  question->address_argument = address_first ? 0 : 1;
  size_t list = question->address_argument + 1;
  if (args.size() > list) question->properties = CLEW_TRY(read_properties(binder, *args[list], **database));
  return std::shared_ptr<const void>(std::move(question));
}

Result<std::optional<uint32_t>> GeoQuestion::record(const geo::Address& address) const {
  uint32_t number = 0;
  std::memcpy(&number, address.bytes.data(), sizeof(number));
  std::optional<uint32_t> known;
  if (address.v4 && records_.find(number, known)) return known;
  Result<std::optional<uint32_t>> found = database->find(address);
  if (!found.ok()) return evaluation_error("geoip(): " + found.error().message());
  if (address.v4) records_.add(number, *found);
  return found;
}

Result<model::Members> GeoQuestion::members(uint32_t record) const {
  {
    base::MutexLock lock(mutex_);
    auto known = known_.find(record);
    if (known != known_.end()) return known->second;
  }
  Result<geo::Place> place = database->place(record);
  if (!place.ok()) return evaluation_error("geoip(): " + place.error().message());
  model::Members made;
  for (geo::Property property : properties) {
    const std::string& text = place->at(property);
    if (!text.empty()) made.emplace_back(geo::kPropertyNames[static_cast<size_t>(property)], Value::string(text));
  }
  base::MutexLock lock(mutex_);
  if (known_.size() < kPlacesKept) known_.emplace(record, made);
  return made;
}

// The values of one vector. Those of one place share their members; other vectors have copies, so that threads do not
// count references in the same memory.
class Places {
 public:
  explicit Places(const GeoQuestion& question) : question_(question) {}

  // Null for what is no address and for one that the database does not know.
  // Errors: EVALUATION_ERROR for a damaged database.
  Result<Value> at(const Cell& cell) {
    std::string buffer;
    std::optional<geo::Address> address = geo::parse_address(text_of(cell, buffer));
    if (!address) return Value();
    std::optional<uint32_t> record = CLEW_TRY(question_.record(*address));
    if (!record) return Value();
    auto [known, fresh] = known_.try_emplace(*record);
    if (fresh) {
      model::Members members = CLEW_TRY(question_.members(*record));
      if (!members.empty()) known->second = Value::structure(std::move(members));
    }
    return known->second;
  }

 private:
  const GeoQuestion& question_;
  absl::flat_hash_map<uint32_t, Value> known_;
};

Status geoip(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  const auto& question = *static_cast<const GeoQuestion*>(call.prepared.get());
  Places places(question);
  Value place = CLEW_TRY(places.at(args[question.address_argument]));
  out.add_value(std::move(place));
  return {};
}

Result<model::VectorPtr> geoip_of_all(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows) {
  const auto& question = *static_cast<const GeoQuestion*>(call.prepared.get());
  Places places(question);
  const model::Vector& addresses = *args[question.address_argument];
  auto out = std::make_shared<model::Vector>();
  out->type = Type::kStruct;
  out->layout = model::Layout::kValues;
  out->size = rows;
  out->values.reserve(rows);
  bool any = false;
  for (uint32_t row = 0; row < rows; ++row) {
    Value place;
    if (!addresses.is_null(row)) place = CLEW_TRY(places.at(cell_of(addresses, row)));
    any = any || !place.is_null();
    out->values.push_back(std::move(place));
  }
  if (!any) return model::VectorPtr(std::make_shared<model::Vector>(model::Vector::all_null(rows)));
  return model::VectorPtr(std::move(out));
}

constexpr FunctionDef kTable[] = {
    {"geoip", 1, 3, always<Type::kStruct>, geoip, 0, geoip_of_all, prepare_geoip},
};

}  // namespace

std::span<const FunctionDef> geo_functions() { return kTable; }

}  // namespace clew::expr
