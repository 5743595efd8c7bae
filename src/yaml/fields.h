// Fields: the keys of a map, asked for one by one; what is of the wrong kind or asked for by nobody is told by line.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yaml/tree.h"

namespace clew::yaml {

// Threads: one.  Lifetime: tree and mistakes outlive it.
class Fields {
 public:
  // `where` begins the messages: "group \"web\", rule 2". What is no map is told; it has no keys then.
  Fields(std::string where, const Tree& tree, Mistakes& mistakes);

  // What is absent or null gives null; so does what is of another kind, which is told.
  const Tree* text(std::string_view key);
  const Tree* list(std::string_view key);
  const Tree* map(std::string_view key);
  const Tree* any(std::string_view key);
  // The text, empty where there is none.
  std::string text_or_empty(std::string_view key);
  // NAME: TEXT of a map, in the order of the file.
  std::vector<std::pair<std::string, std::string>> texts(std::string_view key);
  // Yes and no as YAML writes them.
  bool yes(std::string_view key, bool otherwise);

  uint32_t line() const { return tree_.line; }
  // The line of a key; that of the whole where it is absent.
  uint32_t line_of(std::string_view key) const;
  void blame(uint32_t line, const std::string& message);
  void blame(std::string_view key, const std::string& message) { blame(line_of(key), message); }
  // Tells of keys that nobody asked for.
  void finish();

 private:
  const Tree* find(std::string_view key, Tree::Kind kind, std::string_view expected);

  std::string where_;
  const Tree& tree_;
  Mistakes& mistakes_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace clew::yaml
