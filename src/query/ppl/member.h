// MemberStep: takes a member out of a struct, by a dotted path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/exec/rows.h"
#include "query/ppl/context.h"

namespace clew::query::ppl {

// Of an array of structs, the member of every element that has it; of one element, that alone.
class MemberStep final : public exec::MapStep {
 public:
  explicit MemberStep(Scope::Member member) : member_(std::move(member)) {}
  std::string name() const override { return "member"; }
  std::string describe() const override { return "member " + member_.path; }
  void reads(std::vector<Slot>& out) const override { out.push_back(member_.base); }
  Status map(exec::Block& block) const override;
  Slot out() const { return member_.out; }

 private:
  Scope::Member member_;
};

}  // namespace clew::query::ppl
