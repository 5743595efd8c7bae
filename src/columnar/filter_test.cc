#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "columnar/part.h"
#include "columnar/segment.h"
#include "columnar/test_rows.h"
#include "expr/print.h"
#include "text/words.h"

namespace clew::columnar {
namespace {

using contract::Predicate;
using model::Selection;
using model::Value;
using Op = Predicate::Op;

bool term_in(const text::Phrase& phrase, const Value& v) {
  switch (v.type()) {
    case model::Type::kNull: return false;
    case model::Type::kString: return phrase.matches(v.text());
    case model::Type::kArray:
      return std::any_of(v.items().begin(), v.items().end(), [&](const Value& item) { return term_in(phrase, item); });
    case model::Type::kStruct:
      return std::any_of(v.members().begin(), v.members().end(),
                         [&](const auto& m) { return term_in(phrase, m.second); });
    default: return phrase.matches(expr::print_value(v));
  }
}

bool holds(const Predicate& p, const Value& v) {
  if (v.is_null()) return false;
  if (p.op == Op::kExists) return true;
  if (p.op == Op::kPhrase) return term_in(text::Phrase(p.values[0].text()), v);
  if (p.op == Op::kContains) return v.text().find(p.values[0].text()) != std::string::npos;
  if (p.values[0].type() == model::Type::kString) {
    return std::any_of(p.values.begin(), p.values.end(), [&](const Value& w) { return w.text() == v.text(); });
  }
  auto number = [](const Value& x) {
    return x.type() == model::Type::kDouble ? x.f64() : static_cast<double>(x.i64());
  };
  double a = number(v);
  double b = number(p.values[0]);
  switch (p.op) {
    case Op::kLess: return a < b;
    case Op::kLessEq: return a <= b;
    case Op::kGreater: return a > b;
    case Op::kGreaterEq: return a >= b;
    default: return std::any_of(p.values.begin(), p.values.end(), [&](const Value& w) { return number(w) == a; });
  }
}

// The plain way: every value compared.
Selection plainly(const contract::Granule& granule, const Predicate& p, uint32_t block, const Selection& rows) {
  contract::ScanStats stats;
  std::vector<std::string> names = {p.field};
  if (p.field.empty()) {
    names = *granule.field_names();
    if (std::find(names.begin(), names.end(), "message") == names.end()) names.push_back("message");
  }
  Selection kept;
  std::vector<uint8_t> match(rows.size(), 0);
  for (const std::string& name : names) {
    auto v = granule.column(name, block, rows, stats);
    EXPECT_TRUE(v.ok()) << v.error().message();
    for (uint32_t i = 0; i < rows.size(); ++i) match[i] |= holds(p, (*v)->value(i));
  }
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (match[i]) kept.push_back(rows[i]);
  }
  return kept;
}

std::vector<Predicate> questions(const model::Batch& batch) {
  std::vector<Predicate> all;
  auto add = [&](Op op, std::string field, model::Values values) {
    all.push_back({.op = op, .field = std::move(field), .values = std::move(values), .children = {}});
  };
  auto some = [&](const char* field, size_t i) { return std::string(batch.find(field)->text_at(i)); };
  for (std::string term :
       {"took", "order",  "ms", "order 5",        "took 100 ms", "100",  "0",    "07",  "7",   "12",     "GET",
        "true", "10.0.3", "a",  "nothing at all", "error",       "2025", "1500", "2.5", "---", "took 1", "beef"}) {
    for (std::string field : {"", "f3", "f2", "f5", "f19"}) add(Op::kPhrase, field, {Value::string(term)});
  }
  for (size_t i : {3u, 50u}) {
    for (const char* field : {"f3", "f4", "f5", "f13"}) {
      add(Op::kPhrase, "", {Value::string(some(field, i))});
      add(Op::kPhrase, field, {Value::string(some(field, i))});
      add(Op::kEquals, field, {Value::string(some(field, i))});
      add(Op::kContains, field, {Value::string(some(field, i).substr(2, 7))});
      add(Op::kPhrase, field, {Value::string(some(field, i).substr(0, 8))});
    }
    add(Op::kPhrase, "", {Value::string(some("f13", i).substr(9, 4))});
  }
  add(Op::kContains, "f3", {Value::string("ook")});
  add(Op::kContains, "f3", {Value::string(" 1")});
  add(Op::kIn, "f2", {Value::string("GET"), Value::string("PUT")});
  for (const char* field : {"f0", "f1", "f7", "f16", "f17"}) {
    for (double c : {0.0, 1.0, 12.34, 500.0, 999.0, 999.99, 1e9, -1.0, 333.33}) {
      for (Op op : {Op::kEquals, Op::kLess, Op::kLessEq, Op::kGreater, Op::kGreaterEq}) {
        add(op, field, {Value::real(c)});
        add(op, field, {Value::bigint(static_cast<int64_t>(c))});
      }
    }
    add(Op::kIn, field, {Value::bigint(1), Value::bigint(2), Value::real(3.5)});
    add(Op::kExists, field, {});
  }
  add(Op::kExists, "f20", {});
  add(Op::kExists, "no such field", {});
  return all;
}

void compare(const contract::Granule& granule, const std::vector<Predicate>& all) {
  contract::ScanStats stats;
  int native = 0;
  for (const Predicate& p : all) {
    for (uint32_t b = 0; b * contract::kBlockRows < granule.rows(); ++b) {
      Selection rows;
      granule.alive(b, rows);
      for (size_t i = 0; i < rows.size(); i += 11) rows.erase(rows.begin() + static_cast<long>(i));
      Selection got = rows;
      auto done = granule.filter(p, b, got, stats);
      ASSERT_TRUE(done.ok()) << done.error().message();
      if (!*done) {
        ASSERT_EQ(got, rows);
        continue;
      }
      ++native;
      ASSERT_EQ(got, plainly(granule, p, b, rows))
          << "op " << static_cast<int>(p.op) << " field " << p.field << " value "
          << (p.values.empty() ? "" : expr::print_value(p.values[0]));
    }
  }
  EXPECT_GT(native, 150);
}

TEST(Filter, PartsAnswerAsTheirValuesDo) {
  model::Batch batch = testing::random_batch(11, 5000);
  auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batch));
  auto part = open_part(bytes, testing::commits_for(1, 5000));
  ASSERT_TRUE(part.ok());
  compare(*(*part)->granule(Seq(UINT64_MAX), nullptr), questions(batch));
}

TEST(Filter, SegmentsAnswerAsTheirValuesDo) {
  model::Batch batch = testing::random_batch(12, 5000);
  for (uint32_t row = 0; row < 200; ++row) {
    uint32_t r = batch.begin_row();
    batch.column("_time")->add_time(r, testing::kStart + row);
    batch.column("_raw")->add_string(r, "raw line " + std::to_string(row) + " took 100 ms");
    if (row % 3 == 0) batch.column("msg")->add_string(r, "another message");
  }
  auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batch));
  auto part = open_part(bytes, testing::commits_for(1, 5200));
  ASSERT_TRUE(part.ok());
  std::string path = std::filesystem::temp_directory_path() / ("clew-filter-" + std::to_string(::getpid()));
  auto disk = os::make_real_disk();
  auto writer = create_segment(*disk, path, {.tenant = "t", .dataset = "logs", .day = 1, .retention_class = ""});
  ASSERT_TRUE(writer.ok());
  std::vector<RowRef> rows;
  for (uint32_t r = 0; r < batch.rows(); ++r) rows.push_back({0, r});
  std::vector<RowSourcePtr> sources = {*part};
  ASSERT_TRUE((*writer)->add_row_group(sources, rows).ok());
  ASSERT_TRUE((*writer)->finish(testing::commits_for(1, 5200)).ok());
  auto reader = open_segment(*disk, path);
  ASSERT_TRUE(reader.ok());
  compare(*(*reader)->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr), questions(batch));
  std::filesystem::remove(path);
}

bool holds_list(const Predicate& p, const Value& v) {
  auto child = [&](const Predicate& c) { return holds_list(c, v); };
  if (p.op == Op::kAll) return std::all_of(p.children.begin(), p.children.end(), child);
  if (p.op == Op::kAny) return std::any_of(p.children.begin(), p.children.end(), child);
  return holds(p, v);
}

TEST(Filter, ListsOverOneColumnOfPlainTexts) {
  model::Batch batch;
  std::mt19937_64 rng(3);
  constexpr const char* kWords[] = {"amber", "badger", "cedar", "Dove", "ember", "fox", "gecko", "heron", "ibex"};
  for (uint32_t i = 0; i < 9000; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, testing::kStart + i);
    std::string text;
    for (int word = 0; word < 9; ++word) text += std::string(kWords[rng() % 9]) + (rng() % 4 == 0 ? "-" : " ");
    if (i % 7 != 0) batch.column("prose")->add_string(row, text);
    batch.column("few")->add_string(row, kWords[rng() % 9]);
  }
  auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batch));
  auto part = open_part(bytes, testing::commits_for(1, 9000));
  ASSERT_TRUE(part.ok());
  contract::GranulePtr granule = (*part)->granule(Seq(UINT64_MAX), nullptr);
  auto leaf = [](Op op, const char* field, const char* value) {
    return Predicate{.op = op, .field = field, .values = {Value::string(value)}, .children = {}};
  };
  auto list = [](Op op, std::vector<Predicate> children) {
    return Predicate{.op = op, .field = "", .values = {}, .children = std::move(children)};
  };
  Predicate badger = leaf(Op::kPhrase, "prose", "badger");
  Predicate dove = leaf(Op::kPhrase, "prose", "dove fox");
  Predicate piece = leaf(Op::kContains, "prose", "der-Do");
  struct Case {
    Predicate where;
    bool native;
  };
  std::vector<Case> cases = {
      {list(Op::kAll, {badger, dove}), true},
      {list(Op::kAny, {dove, piece}), true},
      {list(Op::kAll, {badger, list(Op::kAny, {dove, piece})}), true},
      {list(Op::kAny, {leaf(Op::kPhrase, "prose", "nowhere"), leaf(Op::kPhrase, "prose", "gecko gecko gecko")}), true},
      {list(Op::kAny, {badger, leaf(Op::kPhrase, "few", "fox")}), false},
      {list(Op::kAny, {leaf(Op::kPhrase, "few", "ibex"), leaf(Op::kPhrase, "few", "fox")}), false},
      {list(Op::kAll, {badger, leaf(Op::kExists, "prose", "")}), false},
      {list(Op::kAll, {}), false},
  };
  contract::ScanStats stats;
  for (size_t c = 0; c < cases.size(); ++c) {
    for (uint32_t b = 0; b < 3; ++b) {
      Selection rows;
      granule->alive(b, rows);
      auto values = granule->column("prose", b, rows, stats);
      ASSERT_TRUE(values.ok());
      Selection wanted;
      for (uint32_t i = 0; i < rows.size(); ++i) {
        if (holds_list(cases[c].where, (*values)->value(i))) wanted.push_back(rows[i]);
      }
      Selection got = rows;
      auto done = granule->filter(cases[c].where, b, got, stats);
      ASSERT_TRUE(done.ok());
      EXPECT_EQ(*done, cases[c].native) << "case " << c;
      EXPECT_EQ(got, cases[c].native ? wanted : rows) << "case " << c << " block " << b;
    }
  }
}

TEST(Filter, IntegersOfAnyGreatness) {
  constexpr int64_t kDoubles = int64_t{1} << 53;  // beyond it a double is not every integer
  const std::vector<int64_t> some = {INT64_MIN, INT64_MIN + 1, -kDoubles - 1, -kDoubles,    -1,        0,
                                     1,         kDoubles,      kDoubles + 1,  kDoubles + 2, INT64_MAX, INT64_MAX - 1};
  model::Batch batch;
  std::mt19937_64 rng(5);
  for (uint32_t i = 0; i < 5000; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, testing::kStart + i);
    batch.column("every")->add_int(row, some[rng() % some.size()]);
    batch.column("wild")->add_int(row, static_cast<int64_t>(rng()));
    if (rng() % 3 == 0) continue;
    if (rng() % 50 == 0)
      batch.column("holes")->add_null(row);
    else
      batch.column("holes")->add_int(row, some[rng() % some.size()]);
  }
  auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batch));
  auto part = open_part(bytes, testing::commits_for(1, 5000));
  ASSERT_TRUE(part.ok());
  contract::GranulePtr granule = (*part)->granule(Seq(UINT64_MAX), nullptr);
  contract::ScanStats stats;
  auto keeps = [](Op op, int64_t v, int64_t c) {
    switch (op) {
      case Op::kLess: return v < c;
      case Op::kLessEq: return v <= c;
      case Op::kGreater: return v > c;
      case Op::kGreaterEq: return v >= c;
      default: return v == c;
    }
  };
  auto check = [&](const Predicate& where, const char* field, auto keep) {
    for (uint32_t b = 0; b < 2; ++b) {
      Selection rows;
      granule->alive(b, rows);
      auto values = granule->column(field, b, rows, stats);
      ASSERT_TRUE(values.ok());
      Selection wanted;
      for (uint32_t i = 0; i < rows.size(); ++i) {
        if (!(*values)->is_null(i) && keep((*values)->value(i).i64())) wanted.push_back(rows[i]);
      }
      auto done = granule->filter(where, b, rows, stats);
      ASSERT_TRUE(done.ok() && *done);
      ASSERT_EQ(rows, wanted) << field;
    }
  };
  for (const char* field : {"every", "wild", "holes"}) {
    auto leaf = [field](Op op, model::Values values) {
      return Predicate{.op = op, .field = field, .values = std::move(values), .children = {}};
    };
    for (int64_t c : some) {
      for (Op op : {Op::kEquals, Op::kLess, Op::kLessEq, Op::kGreater, Op::kGreaterEq}) {
        check(leaf(op, {Value::bigint(c)}), field, [&](int64_t v) { return keeps(op, v, c); });
      }
      Predicate unequal{.op = Op::kAny, .field = "", .values = {}, .children = {}};
      unequal.children = {leaf(Op::kLess, {Value::bigint(c)}), leaf(Op::kGreater, {Value::bigint(c)})};
      check(unequal, field, [c](int64_t v) { return v != c; });
      check(leaf(Op::kIn, {Value::bigint(c), Value::bigint(0)}), field, [c](int64_t v) { return v == c || v == 0; });
    }
  }
}

}  // namespace
}  // namespace clew::columnar
