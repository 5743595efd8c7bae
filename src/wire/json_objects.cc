#include "wire/json_objects.h"

#include <unordered_set>

#include "model/shape.h"
#include "wire/json_scan.h"

namespace clew::wire {
namespace {

constexpr size_t kMembersMax = 1000;    // of one object's template
constexpr size_t kGapBytesFree = 1024;  // gaps that any array may cost

const char* skip_blanks(const char* p, const char* end) { return scan::blanks<Newlines::kBlank>(p, end); }

}  // namespace

bool ObjectsSplitter::split(std::string_view array) {
  leaves_.clear();
  commas_.clear();
  shape_.clear();
  root_ = std::make_unique<Node>();
  element_ = 0;
  array_bytes_ = array.size();
  return elements(array.data() + 1, array.data() + array.size()) && finish();
}

bool ObjectsSplitter::elements(const char* p, const char* end) {
  for (;; ++element_) {
    p = skip_blanks(p, end);
    if (p == end || *p != '{') return false;
    ++p;
    if (!members(*root_, p, end)) return false;
    if (leaves_.size() * element_ > 2 * array_bytes_ + kGapBytesFree) return false;
    p = skip_blanks(p, end);
    if (p != end && *p == ']') return true;
    if (p == end || *p++ != ',') return false;
  }
}

// From behind `{` to behind `}`.
bool ObjectsSplitter::members(Node& node, const char*& p, const char* end) {
  size_t place = 0;
  p = skip_blanks(p, end);
  while (p != end && *p != '}') {
    unsigned seen = 0;
    const char* quote = scan::string_end(p + 1, end, seen);
    if (quote == nullptr) return false;
    name_.clear();
    append_unescaped(std::string_view(p + 1, static_cast<size_t>(quote - p - 1)), name_);
    p = skip_blanks(quote + 1, end);
    p = skip_blanks(p + 1, end);
    bool object = *p == '{' && *skip_blanks(p + 1, end) != '}';
    Child* c = child(node, place, name_, object);
    if (c == nullptr) return false;
    if (object) {
      ++p;
      if (!members(*c->node, p, end)) return false;
    } else {
      SkipInfo info;
      const char* after = skip_value(p, end, Grammar::kIngest, Newlines::kBlank, info);
      if (after == nullptr) return false;
      add_value(leaves_[c->leaf], std::string_view(p, static_cast<size_t>(after - p)));
      p = after;
    }
    p = skip_blanks(p, end);
    if (p != end && *p == ',') p = skip_blanks(p + 1, end);
  }
  if (p == end) return false;
  ++p;
  return true;
}

// The template's child of that name, at or after `place`; null when it stands before: the objects then have no common
// order.
ObjectsSplitter::Child* ObjectsSplitter::child(Node& node, size_t& place, const std::string& name, bool object) {
  std::string key = (object ? '{' : '.') + name;
  auto it = node.places.find(key);
  if (it != node.places.end()) {
    if (it->second < place) return nullptr;
    place = it->second + 1;
    return &node.children[it->second];
  }
  if (node.children.size() >= kMembersMax) return nullptr;
  Child made{name, object, leaves_.size(), nullptr};
  std::string path = node.prefix + name;
  if (object) {
    made.node = std::make_unique<Node>();
    made.node->prefix = path + ".";
  } else {
    leaves_.push_back({path, "["});
    commas_.push_back(0);
  }
  node.children.insert(node.children.begin() + static_cast<std::ptrdiff_t>(place), std::move(made));
  if (place + 1 != node.children.size()) {
    for (auto& [other, at] : node.places) at += at >= place ? 1 : 0;
  }
  node.places.emplace(std::move(key), place);
  return &node.children[place++];
}

void ObjectsSplitter::add_value(Leaf& leaf, std::string_view value) {
  size_t& commas = commas_[static_cast<size_t>(&leaf - leaves_.data())];
  leaf.array.append(element_ - commas, ',');
  commas = element_;
  append_compact(value, leaf.array);
}

bool ObjectsSplitter::finish() {
  if (leaves_.empty()) return false;
  std::unordered_set<std::string_view> paths;
  for (size_t i = 0; i < leaves_.size(); ++i) {
    leaves_[i].array.append(element_ - commas_[i], ',');
    leaves_[i].array.push_back(']');
    if (!paths.insert(leaves_[i].path).second) return false;
  }
  write_shape(*root_);
  return true;
}

void ObjectsSplitter::write_shape(const Node& node) {
  for (const Child& c : node.children) {
    model::append_shape_key(c.name, c.object ? model::shape::kObject : model::shape::kLeaf, shape_);
    if (!c.object) continue;
    write_shape(*c.node);
    shape_.push_back(model::shape::kEnd);
  }
}

}  // namespace clew::wire
