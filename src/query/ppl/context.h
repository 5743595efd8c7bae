// What binding a query needs: the source's fields, slots for columns, and the place where the first mistake is kept.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "contract/event_source.h"
#include "expr/bind.h"
#include "query/exec/plan.h"

namespace clew::query::ppl {

using exec::Slot;

// The first thing that is wrong with a query.
struct Fault {
  std::string_view code;  // one of expr's code constants, or kDatasetNotFound
  expr::SourceSpan span;
  bool placed = false;  // `span` means something
  std::string message;
  std::string suggestion;
};
constexpr std::string_view kDatasetNotFoundCode = "INDEX_NOT_FOUND";

// Threads: one at a time.  Lifetime: the source outlives it.
class Context {
 public:
  Context(contract::EventSource& source, contract::Access access, int64_t now, std::string_view text)
      : source_(source), access_(std::move(access)), now_(now), text_(text) {}

  Slot new_slot() { return slots_++; }
  contract::EventSource& source() { return source_; }
  const contract::Access& access() const { return access_; }
  int64_t now() const { return now_; }
  std::string_view text() const { return text_; }
  expr::BindOptions bind_options() const { return {.now = now_, .geo = geo}; }

  // Records what is wrong, if nothing was before, and gives the error to return.
  Error fail(std::string_view code, std::string message, std::optional<expr::SourceSpan> span = std::nullopt,
             std::string suggestion = "");
  const std::optional<Fault>& fault() const { return fault_; }
  std::vector<std::string>& warnings() { return warnings_; }

  // Runs a plan to its end: subsearches whose rows become part of the plan. Null: they are not run, and stand for null.
  using Evaluate = std::function<Result<std::vector<exec::Block>>(const exec::Plan&)>;
  Evaluate evaluate;

  // What a name of the query around a subsearch is, when the subsearch has no such field of its own.
  using Outer = std::function<std::optional<expr::FieldRef>(std::string_view name)>;
  std::vector<Outer> outers;  // the innermost last

  const geo::Sources* geo = nullptr;  // what geoip() asks

  bool leaves = false;  // `*` means every leaf and @timestamp
  bool newest_first = false;
  bool optimise = true;

 private:
  contract::EventSource& source_;
  contract::Access access_;
  int64_t now_;
  std::string_view text_;
  Slot slots_ = 0;
  std::optional<Fault> fault_;
  std::vector<std::string> warnings_;
};

struct Column {
  std::string name;
  Slot slot = 0;
  model::Type type = model::Type::kMixed;
};

// The fields of the datasets that a search reads: columns of the scan are made when they are first named.
class SourceFields {
 public:
  // Errors: kIo and the like of the source.
  static Result<std::shared_ptr<SourceFields>> load(Context& context, std::vector<std::string> datasets);

  // None when no event of these datasets has such a field and it is none that clew derives.
  std::optional<Column> find(std::string_view name);
  // Names of `*`, in the order they were first seen.
  std::vector<std::string> star();
  // For "did you mean".
  std::vector<std::string> names() const;
  // Columns named so far.
  const std::vector<exec::SourceColumn>& columns() const { return columns_; }
  const std::vector<std::string>& datasets() const { return datasets_; }
  // Types that values of a stored field have had; empty for others.
  std::vector<model::Type> stored_types(std::string_view name) const;
  // Of the member at `path` of the object that column `slot` holds; kMixed: not known.
  model::Type member_type(Slot slot, std::string_view path) const;

 private:
  explicit SourceFields(Context& context) : context_(context) {}
  Status load_dataset(const std::string& dataset);
  Column add(std::string_view name, exec::SourceColumn::From from, model::Type type);
  Column add_field(std::string_view name);
  std::optional<model::Type> clew_field_type(std::string_view name) const;
  bool looks_like_time(std::string_view name);
  bool is_object(std::string_view name) const;
  Column converted(std::string_view name, model::Type type);

  Context& context_;
  std::vector<std::string> datasets_;
  std::vector<std::string> order_;  // stored leaves as first seen
  std::unordered_map<std::string, std::vector<model::Type>> types_;
  std::unordered_map<std::string, model::Type> declared_;
  std::unordered_set<std::string> objects_;  // every dotted prefix of a leaf
  std::map<std::string, Column, std::less<>> named_;
  std::vector<exec::SourceColumn> columns_;
  std::vector<contract::GranulePtr> samples_;  // for looks_like_time
  bool sampled_ = false;
};

// The names that a command may use, and the order of columns for the next.
class Scope final : public expr::Schema {
 public:
  explicit Scope(Context& context) : context_(context) {}

  std::optional<expr::FieldRef> find(std::string_view name) override;
  std::vector<std::string> names() override;
  // Names of the columns that commands made.
  std::vector<std::string> own_names() const;

  std::optional<Column> column(std::string_view name);
  // A member of an object that is a column.
  std::optional<Column> member(std::string_view name) { return member_of_struct(name); }
  // The columns in order; from now on the scope is closed: only these exist.
  const std::vector<Column>& all();
  // Makes `columns` everything there is.
  void replace(std::vector<Column> columns);
  // Makes columns of `other` everything there is, with what is known of them.
  void replace(std::vector<Column> columns, const Scope& other) {
    replace(std::move(columns));
    origin_ = other.origin_;
  }
  // Adds a column, or gives the one of that name a new slot.
  void set(Column column);

  void open(std::shared_ptr<SourceFields> source) { source_ = origin_ = std::move(source); }
  // A column that answers to its name but is none of the pipeline's.
  void add_hidden(Column column) { hidden_.push_back(std::move(column)); }
  // `name.x` is column x as well.
  void add_alias(std::string name) { aliases_[std::move(name)]; }
  // `name.x` is the column x of these.
  void add_alias(std::string name, std::vector<Column> columns) { aliases_[std::move(name)] = std::move(columns); }
  const std::map<std::string, std::vector<Column>>& aliases() const { return aliases_; }
  bool is_open() const { return source_ != nullptr; }
  const std::shared_ptr<SourceFields>& source() const { return source_; }

  // Paths into structs that names needed since the last call: the planner puts a step before the command.
  struct Member {
    Slot out = 0;
    Slot base = 0;
    std::string path;
  };
  std::vector<Member> take_members();

 private:
  std::optional<Column> member_of_struct(std::string_view name);
  std::optional<Column> member_of(const std::vector<Column>& columns, std::string_view path, std::string_view name);
  std::optional<Column> qualified(std::string_view name);
  bool is_present(const Column& column) const;

  Context& context_;
  std::vector<Column> columns_;
  std::shared_ptr<SourceFields> source_;  // open: its fields are there too, unless a column has the name
  std::shared_ptr<SourceFields> origin_;  // what source_ was: its objects may still be columns
  std::vector<Member> members_;
  std::map<std::string, Column, std::less<>> member_columns_;
  std::map<std::string, std::vector<Column>> aliases_;  // empty: of all columns
  std::vector<Column> hidden_;
};

}  // namespace clew::query::ppl
