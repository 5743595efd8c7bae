#include "yaml/tree.h"

#include <yaml-cpp/yaml.h>

#include "yaml/tree_yaml.h"

namespace clew::yaml {
namespace {

class TreeMaker {
 public:
  TreeMaker(Mistakes& mistakes, const Substitute& substitute) : mistakes_(mistakes), substitute_(substitute) {}

  Tree make(const YAML::Node& node, int depth) {
    Tree out;
    out.line = static_cast<uint32_t>(node.Mark().line + 1);
    if (++nodes_ > kTreeNodesMax || depth > kTreeDepthMax) {
      if (!full_) mistakes_.push_back({out.line, "more is nested or repeated here than a configuration may have"});
      full_ = true;
      return out;
    }
    if (node.IsScalar()) {
      out.kind = Tree::Kind::kText;
      out.quoted = node.Tag() == "!";
      out.text = substituted(node.Scalar(), out.line);
    } else if (node.IsSequence()) {
      out.kind = Tree::Kind::kList;
      for (const auto& item : node) out.items.push_back(make(item, depth + 1));
    } else if (node.IsMap()) {
      out.kind = Tree::Kind::kMap;
      std::vector<Tree> bases;
      for (const auto& pair : node) {
        Tree key = make(pair.first, depth + 1);
        if (key.text == "<<" && !key.quoted) {
          bases.push_back(make(pair.second, depth + 1));
          continue;
        }
        if (out.find(key.text) != nullptr) mistakes_.push_back({key.line, key.text + " stands here twice"});
        out.members.emplace_back(std::move(key), make(pair.second, depth + 1));
      }
      for (const Tree& base : bases) merge(base, out);
    }
    return out;
  }

 private:
  // YAML's merge key: the members of one map or several, where the map has none of its own.
  void merge(const Tree& base, Tree& into) {
    if (base.is_list()) {
      for (const Tree& one : base.items) merge(one, into);
    } else if (!base.is_map()) {
      mistakes_.push_back({base.line, "<< takes a map, or a list of maps"});
    }
    for (const auto& [key, value] : base.members) {
      if (into.find(key.text) == nullptr) into.members.emplace_back(key, value);
    }
  }

  std::string substituted(const std::string& text, uint32_t line) {
    if (!substitute_) return text;
    Result<std::string> done = substitute_(text);
    if (done.ok()) return std::move(done).take();
    mistakes_.push_back({line, done.error().message()});
    return text;
  }

  Mistakes& mistakes_;
  const Substitute& substitute_;
  size_t nodes_ = 0;
  bool full_ = false;
};

}  // namespace

const Tree* Tree::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

Tree tree_of(const YAML::Node& node, Mistakes& mistakes, const Substitute& substitute) {
  return TreeMaker(mistakes, substitute).make(node, 0);
}

Tree parse_yaml(const std::string& text, Mistakes& mistakes, const Substitute& substitute) {
  try {
    return tree_of(YAML::Load(text), mistakes, substitute);
  } catch (const YAML::Exception& error) {
    uint32_t line = error.mark.is_null() ? 0 : static_cast<uint32_t>(error.mark.line + 1);
    mistakes.push_back({line, "no YAML: " + error.msg});
    return {};
  }
}

}  // namespace clew::yaml
