// Options: the keys of one step, read with what is wrong told by line and with the fix.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yaml/tree.h"

namespace clew::pipeline {

using yaml::Mistake;
using yaml::Mistakes;
using yaml::parse_yaml;
using yaml::Tree;

// Threads: one.  Lifetime: tree and mistakes outlive it.
class Options {
 public:
  // `step` is its name in messages; `example` shows what is right: "write grok: {patterns: ['%{IP:client}']}".
  Options(std::string step, const Tree& tree, std::string_view example, Mistakes& mistakes)
      : step_(std::move(step)), tree_(tree), example_(example), mistakes_(mistakes) {}

  const Tree& tree() const { return tree_; }
  const std::string& step() const { return step_; }
  uint32_t line() const { return tree_.line; }

  // Values of keys; what is absent gives the default. A wrong one is told and gives the default too.
  std::string text(std::string_view key, std::string_view otherwise = "");
  std::string required(std::string_view key);
  bool yes(std::string_view key, bool otherwise = false);
  std::optional<double> number(std::string_view key, double min, double max);
  std::optional<uint64_t> count(std::string_view key, uint64_t min, uint64_t max);
  std::optional<uint64_t> duration_ns(std::string_view key);
  // One text or a list of them.
  std::vector<std::string> list(std::string_view key);
  // NAME: VALUE of a map; texts only.
  std::vector<std::pair<std::string, Tree>> map(std::string_view key);
  const Tree* sub(std::string_view key);
  // Of a step whose own members are fields: {old: new}.
  std::vector<std::pair<std::string, Tree>> members(std::set<std::string> but = {});
  // The whole is one text or a list of texts: `drop: [a, b]`; else the list under `key`.
  std::vector<std::string> whole_list(std::string_view key);
  // The whole is one text: `where: 'a > 1'`; else that under `key`.
  std::string whole_text(std::string_view key);

  void blame(uint32_t line, std::string message);
  void blame(std::string message) { blame(tree_.line, std::move(message)); }
  // Tells of keys that nobody asked for.
  void finish();

 private:
  const Tree* find(std::string_view key);
  void wrong(const Tree& at, std::string_view key, std::string_view expected);

  std::string step_;
  const Tree& tree_;
  std::string_view example_;
  Mistakes& mistakes_;
  std::set<std::string> asked_;
  bool whole_ = false;
};

// "90s", "30m", "250ms" in nanoseconds.
std::optional<uint64_t> parse_duration(std::string_view text);

}  // namespace clew::pipeline
