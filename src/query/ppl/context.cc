#include "query/ppl/context.h"

#include <algorithm>

#include "model/canonical.h"
#include "model/own_fields.h"
#include "query/ppl/times.h"

namespace clew::query::ppl {

using exec::SourceColumn;
using model::Type;

namespace {

// OpenSearch answers `name.keyword` where `name` is text; clew's strings need no such twin.
constexpr std::string_view kKeywordSuffix = ".keyword";
// A catalogue of so many names is full and does not know every field that there is (contract/event_source.h).
constexpr size_t kCatalogueNamesMax = 100'000;

Type type_of(const std::vector<Type>& types) {
  Type out = Type::kNull;
  for (Type type : types) {
    if (type == Type::kNull || type == out) continue;
    bool numbers = (type == Type::kLong && out == Type::kDouble) || (type == Type::kDouble && out == Type::kLong);
    out = out == Type::kNull ? type : numbers ? Type::kDouble : Type::kMixed;
  }
  return out == Type::kNull ? Type::kString : out;
}

}  // namespace

Error Context::fail(std::string_view code, std::string message, std::optional<expr::SourceSpan> span,
                    std::string suggestion) {
  if (!fault_)
    fault_ = Fault{code, span.value_or(expr::SourceSpan{}), span.has_value(), message, std::move(suggestion)};
  return Error(Code::kInvalid, std::move(message));
}

// ---- SourceFields

Result<std::shared_ptr<SourceFields>> SourceFields::load(Context& context, std::vector<std::string> datasets) {
  std::shared_ptr<SourceFields> out(new SourceFields(context));
  out->datasets_ = std::move(datasets);
  for (const std::string& dataset : out->datasets_) CLEW_TRY(out->load_dataset(dataset));
  return out;
}

Status SourceFields::load_dataset(const std::string& dataset) {
  std::vector<contract::FieldInfo> fields = CLEW_TRY(context_.source().fields(context_.access(), dataset));
  for (contract::FieldInfo& field : fields) {
    if (field.name.empty() || field.name[0] == '_') continue;
    for (size_t dot = field.name.find('.'); dot != std::string::npos; dot = field.name.find('.', dot + 1)) {
      objects_.insert(field.name.substr(0, dot));
    }
    auto [it, fresh] = types_.try_emplace(field.name, field.types);
    if (fresh)
      order_.push_back(field.name);
    else
      it->second.insert(it->second.end(), field.types.begin(), field.types.end());
  }
  // Of events that are only lines, `message` is the line: what there is to read of them.
  bool only_lines = std::all_of(fields.begin(), fields.end(), [](const contract::FieldInfo& field) {
    return field.name == "@timestamp" || field.name == "level" || field.name.starts_with('_');
  });
  if (only_lines && types_.try_emplace("message", std::vector<Type>{Type::kString}).second) order_.push_back("message");
  for (auto& [name, type] : context_.source().declared_types(context_.access(), dataset)) declared_.emplace(name, type);
  return {};
}

std::vector<Type> SourceFields::stored_types(std::string_view name) const {
  auto it = types_.find(std::string(name));
  return it == types_.end() ? std::vector<Type>{} : it->second;
}

Type SourceFields::member_type(Slot slot, std::string_view path) const {
  for (const SourceColumn& column : columns_) {
    if (column.slot != slot || column.from != SourceColumn::From::kObject) continue;
    std::string name = column.field + "." + std::string(path);
    bool known = types_.contains(name) && !declared_.contains(name);
    return known ? type_of(types_.at(name)) : Type::kMixed;
  }
  return Type::kMixed;
}

bool SourceFields::is_object(std::string_view name) const {
  std::string key(name);
  if (objects_.contains(key)) return true;
  auto declared = declared_.find(key);
  if (declared != declared_.end()) return declared->second == Type::kStruct;
  auto it = types_.find(key);
  if (it == types_.end()) return false;
  // Only ever an empty object.
  return std::all_of(it->second.begin(), it->second.end(),
                     [](Type t) { return t == Type::kStruct || t == Type::kNull; }) &&
         std::find(it->second.begin(), it->second.end(), Type::kStruct) != it->second.end();
}

Column SourceFields::add(std::string_view name, SourceColumn::From from, Type type) {
  SourceColumn source;
  source.slot = context_.new_slot();
  source.field = std::string(name);
  source.from = from;
  columns_.push_back(source);
  Column column{std::string(name), source.slot, type};
  named_.emplace(std::string(name), column);
  return column;
}

Column SourceFields::converted(std::string_view name, Type type) {
  SourceColumn raw;
  raw.slot = context_.new_slot();
  raw.field = std::string(name);
  columns_.push_back(raw);
  expr::ListSchema schema({});
  class OneField final : public expr::Schema {
   public:
    explicit OneField(Slot slot) : slot_(slot) {}
    std::optional<expr::FieldRef> find(std::string_view) override { return expr::FieldRef{slot_, Type::kMixed}; }

   private:
    Slot slot_;
  } one(raw.slot);
  expr::Binder binder(one, context_.bind_options());
  expr::Expr keyword;
  keyword.kind = expr::ExprKind::kKeyword;
  keyword.name = type == Type::kIp       ? "ip"
                 : type == Type::kDate   ? "date"
                 : type == Type::kString ? "string"
                                         : "timestamp";
  expr::ExprPtr cast =
      expr::make_call("cast", {expr::make_field("field"), std::make_shared<const expr::Expr>(std::move(keyword))});
  Result<expr::BoundPtr> bound = binder.bind(*cast);
  Column column = add(name, SourceColumn::From::kConverted, type);
  if (bound.ok()) {
    columns_.back().convert = *bound;
  } else {
    columns_.back().from = SourceColumn::From::kField;
  }
  return column;
}

bool SourceFields::looks_like_time(std::string_view name) {
  if (!sampled_) {
    sampled_ = true;
    if (datasets_.empty()) return false;
    contract::Scan scan;
    scan.datasets = datasets_;
    contract::ScanStats stats;
    Result<contract::Snapshot> snapshot = context_.source().snapshot(context_.access(), scan, stats);
    if (snapshot.ok() && !snapshot->granules.empty()) {
      samples_ = {snapshot->granules.front(), snapshot->granules.back()};
    }
  }
  bool any = false;
  for (const contract::GranulePtr& granule : samples_) {
    model::Selection alive;
    granule->alive(0, alive);
    contract::ScanStats stats;
    Result<model::VectorPtr> values = granule->column(name, 0, alive, stats);
    if (!values.ok()) return false;
    const model::Vector& vector = **values;
    if (vector.type == Type::kNull) continue;
    if (vector.type != Type::kString) return false;
    for (uint32_t row = 0; row < vector.size; ++row) {
      if (vector.is_null(row)) continue;
      model::Value value = vector.value(row);
      if (value.type() != Type::kString || !is_iso_time(value.text())) return false;
      any = true;
    }
  }
  return any;
}

Column SourceFields::add_field(std::string_view name) {
  auto declared = declared_.find(std::string(name));
  std::vector<Type> seen = stored_types(name);
  Type type = type_of(seen);
  if (declared != declared_.end()) {
    Type wanted = declared->second;
    bool cast = wanted == Type::kIp || wanted == Type::kTimestamp || wanted == Type::kDate;
    if (cast && type != wanted) return converted(name, wanted);
    // Values are served as they are; the declared type is the promise of the schema where they keep it.
    bool number = wanted == Type::kInt || wanted == Type::kLong || wanted == Type::kDouble || wanted == Type::kFloat;
    bool kept = number ? type == Type::kLong || type == Type::kDouble : wanted == type;
    if (seen.empty() || kept) type = wanted;
    return add(name, SourceColumn::From::kField, type);
  }
  if (type == Type::kString && looks_like_time(name)) return converted(name, Type::kTimestamp);
  return add(name, SourceColumn::From::kField, type);
}

// Names that answer without being stored under that name.
std::optional<Type> SourceFields::clew_field_type(std::string_view name) const {
  if (name == "@timestamp" || name == "_ingest_time" || name == "_time") return Type::kTimestamp;
  if (name == "_seq" || name == "_flags" || name == model::kWeightField) return Type::kLong;
  if (name == "_id" || name == "_index" || name == "_raw" || name == "_dataset" || name == model::kErrorGroupField) {
    return Type::kString;
  }
  if (model::is_pattern_field(name)) {
    std::string source(model::pattern_source(name));
    bool known = types_.contains(source) || declared_.contains(source) || model::is_canonical(source);
    return known ? std::optional<Type>(Type::kString) : std::nullopt;
  }
  if (!model::is_canonical(name)) return std::nullopt;
  if (name == "duration_ms") return Type::kDouble;
  bool number = name == "code.line" || name == "process.pid";
  return number ? Type::kMixed : Type::kString;
}

std::optional<Column> SourceFields::find(std::string_view name) {
  auto known = named_.find(name);
  if (known != named_.end()) return known->second;
  std::string key(name);
  if (name == "@timestamp") return add(name, SourceColumn::From::kField, Type::kTimestamp);
  if (name == "_raw") return add(name, SourceColumn::From::kDocument, Type::kString);
  if (is_object(name)) return add(name, SourceColumn::From::kObject, Type::kStruct);
  if (types_.contains(key) || declared_.contains(key)) return add_field(name);
  if (std::optional<Type> type = clew_field_type(name)) {
    return add(name, SourceColumn::From::kField, *type);
  }
  if (name.ends_with(kKeywordSuffix)) return find(name.substr(0, name.size() - kKeywordSuffix.size()));
  if (types_.size() >= kCatalogueNamesMax) return add(name, SourceColumn::From::kField, Type::kMixed);
  return std::nullopt;
}

std::vector<std::string> SourceFields::star() {
  std::vector<std::string> out;
  std::unordered_set<std::string> taken;
  auto take = [&](const std::string& name) {
    if (taken.insert(name).second) out.push_back(name);
  };
  if (context_.leaves) take("@timestamp");
  for (const std::string& leaf : order_) {
    if (context_.leaves) {
      if (!is_object(leaf)) take(leaf);
      continue;
    }
    take(leaf.substr(0, leaf.find('.')));
  }
  for (const auto& [name, type] : declared_) {
    bool nested = name.find('.') != std::string::npos;
    if (!nested && type != Type::kStruct) take(name);
  }
  return out;
}

std::vector<std::string> SourceFields::names() const {
  std::vector<std::string> out = order_;
  for (const auto& [name, type] : declared_) {
    if (!types_.contains(name)) out.push_back(name);
  }
  return out;
}

// ---- Scope

std::optional<Column> Scope::column(std::string_view name) {
  for (const Column& column : columns_) {
    if (column.name == name) return column;
  }
  if (source_ != nullptr) {
    if (std::optional<Column> found = source_->find(name)) return found;
  }
  for (const Column& column : hidden_) {
    if (column.name == name) return column;
  }
  if (std::optional<Column> found = qualified(name)) return found;
  return member_of_struct(name);
}

bool Scope::is_present(const Column& column) const {
  return std::any_of(columns_.begin(), columns_.end(), [&](const Column& c) { return c.slot == column.slot; });
}

// `alias.x`.
std::optional<Column> Scope::qualified(std::string_view name) {
  for (const auto& [alias, columns] : aliases_) {
    if (!name.starts_with(alias) || name.size() <= alias.size() + 1 || name[alias.size()] != '.') continue;
    std::string_view rest = name.substr(alias.size() + 1);
    if (columns.empty()) return column(rest);
    for (const Column& column : columns) {
      if (column.name == rest && is_present(column)) return column;
    }
    if (std::optional<Column> found = member_of(columns, rest, name)) return found;
  }
  return std::nullopt;
}

std::optional<Column> Scope::member_of_struct(std::string_view name) { return member_of(columns_, name, name); }

std::optional<Column> Scope::member_of(const std::vector<Column>& columns, std::string_view path,
                                       std::string_view name) {
  auto known = member_columns_.find(name);
  if (known != member_columns_.end()) return known->second;
  for (size_t dot = path.rfind('.'); dot != std::string_view::npos && dot > 0; dot = path.rfind('.', dot - 1)) {
    std::string_view base = path.substr(0, dot);
    for (const Column& column : columns) {
      bool deep = column.type == model::Type::kStruct || column.type == model::Type::kArray ||
                  column.type == model::Type::kMixed;
      if (column.name != base || !deep || !is_present(column)) continue;
      std::string rest(path.substr(dot + 1));
      Type type = origin_ == nullptr ? Type::kMixed : origin_->member_type(column.slot, rest);
      Column member{std::string(name), context_.new_slot(), type};
      members_.push_back({member.slot, column.slot, std::move(rest)});
      member_columns_.emplace(std::string(name), member);
      return member;
    }
  }
  return std::nullopt;
}

std::vector<Scope::Member> Scope::take_members() { return std::exchange(members_, {}); }

std::optional<expr::FieldRef> Scope::find(std::string_view name) {
  if (std::optional<Column> found = column(name)) return expr::FieldRef{found->slot, found->type};
  for (size_t i = context_.outers.size(); i-- > 0;) {
    if (std::optional<expr::FieldRef> found = context_.outers[i](name)) return found;
  }
  return std::nullopt;
}

std::vector<std::string> Scope::names() {
  std::vector<std::string> out;
  for (const Column& column : columns_) out.push_back(column.name);
  if (source_ != nullptr) {
    std::vector<std::string> more = source_->names();
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

std::vector<std::string> Scope::own_names() const {
  std::vector<std::string> out;
  for (const Column& column : columns_) out.push_back(column.name);
  return out;
}

const std::vector<Column>& Scope::all() {
  if (source_ == nullptr) return columns_;
  std::vector<Column> out;
  std::vector<bool> used(columns_.size());
  for (const std::string& name : source_->star()) {
    auto own = std::find_if(columns_.begin(), columns_.end(), [&](const Column& c) { return c.name == name; });
    if (own != columns_.end()) {
      used[static_cast<size_t>(own - columns_.begin())] = true;
      out.push_back(*own);
    } else if (std::optional<Column> found = source_->find(name)) {
      out.push_back(*found);
    }
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!used[i]) out.push_back(columns_[i]);
  }
  replace(std::move(out));
  return columns_;
}

void Scope::replace(std::vector<Column> columns) {
  columns_ = std::move(columns);
  source_ = nullptr;
  member_columns_.clear();
}

void Scope::set(Column column) {
  member_columns_.clear();
  for (Column& own : columns_) {
    if (own.name == column.name) {
      own = std::move(column);
      return;
    }
  }
  columns_.push_back(std::move(column));
}

}  // namespace clew::query::ppl
