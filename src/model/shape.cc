#include "model/shape.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "model/batch.h"
#include "model/json_text.h"
#include "model/own_fields.h"

namespace clew::model {
namespace {

constexpr std::string_view kOwnColumns[] = {
    kTimeField,       kRawField,  kShapeField, kIdField,       kIndexField, kFlagsField, kRestField,
    kErrorGroupField, kLineField, "_seq",      "_ingest_time", "_weight",   "_dataset",
};
constexpr std::string_view kOwnPrefix = "_source.";
constexpr std::string_view kEmptyName = "(empty)";
constexpr int kDepthMax = 80;  // of a shape; events stop at 64

struct Member {
  std::string key;
  char mark = 0;
};

// Walks a shape; whoever calls next() follows the marks.
class Walker {
 public:
  explicit Walker(std::string_view shape) : shape_(shape) {}

  // False at kEnd (taken) or at the end of the shape.
  bool next(Member& member) {
    member.key.clear();
    while (at_ < shape_.size()) {
      char c = shape_[at_++];
      if (static_cast<unsigned char>(c) >= 0x20) {
        member.key.push_back(c);
      } else if (c == shape::kEscape && at_ < shape_.size()) {
        member.key.push_back(static_cast<char>(shape_[at_++] - 0x40));
      } else {
        member.mark = c;
        if (c == shape::kEnd && member.key.empty()) return false;
        if (c == shape::kLeaf || c == shape::kObject || c == shape::kObjects) return true;
        damaged_ = true;
        return false;
      }
    }
    if (!member.key.empty()) damaged_ = true;
    member.mark = 0;
    return false;
  }
  bool damaged() const { return damaged_; }
  void fail() { damaged_ = true; }
  std::string_view rest() const { return shape_.substr(at_); }
  void skip(size_t bytes) { at_ += bytes; }

 private:
  std::string_view shape_;
  size_t at_ = 0;
  bool damaged_ = false;
};

class Rebuilder {
 public:
  Rebuilder(std::string_view shape, const LeafText& leaf, std::string& out) : walk_(shape), leaf_(leaf), out_(out) {}

  Status run() {
    members(0);
    if (walk_.damaged() || !walk_.rest().empty()) return Error(Code::kCorrupt, "damaged shape");
    return {};
  }

 private:
  void members(int depth) {
    if (depth > kDepthMax) walk_.fail();
    out_.push_back('{');
    size_t first = out_.size();
    Member m;
    while (!walk_.damaged() && walk_.next(m)) {
      size_t before = out_.size();
      if (before != first) out_.push_back(',');
      append_json_string(m.key, out_);
      out_.push_back(':');
      if (!value(m, depth)) out_.resize(before);
    }
    if ((m.mark == shape::kEnd) != (depth > 0)) walk_.fail();
    out_.push_back('}');
  }

  bool value(const Member& m, int depth) {
    size_t prefix = path_.size();
    path_ += m.key;
    bool there = true;
    if (m.mark == shape::kLeaf) {
      there = leaf_(column_name(path_, name_), out_);
    } else {
      path_.push_back('.');
      if (m.mark == shape::kObject)
        members(depth + 1);
      else
        objects();
    }
    path_.resize(prefix);
    return there;
  }

  // One node of the template of an array of objects.
  struct Node {
    std::string key;
    char mark = 0;
    std::vector<Node> children;
    std::string text;                        // of a leaf: its array
    std::vector<std::string_view> elements;  // views into text
  };

  void objects() {
    std::vector<Node> nodes;
    size_t count = 0;
    load(nodes, 0);
    split(nodes, count);
    out_.push_back('[');
    for (size_t i = 0; i < count; ++i) {
      if (i != 0) out_.push_back(',');
      (void)element(nodes, i);
    }
    out_.push_back(']');
  }

  void load(std::vector<Node>& nodes, int depth) {
    if (depth > kDepthMax) walk_.fail();
    Member m;
    while (!walk_.damaged() && walk_.next(m)) {
      nodes.push_back({m.key, m.mark, {}, {}, {}});
      Node& node = nodes.back();
      size_t prefix = path_.size();
      path_ += m.key;
      if (m.mark == shape::kLeaf) {
        (void)leaf_(column_name(path_, name_), node.text);
      } else {
        path_.push_back('.');
        load(node.children, depth + 1);
      }
      path_.resize(prefix);
    }
    if (m.mark != shape::kEnd) walk_.fail();
  }

  // After load(), when no text moves any more.
  static void split(std::vector<Node>& nodes, size_t& count) {
    for (Node& node : nodes) {
      if (!node.text.empty()) node.elements = split_array(node.text);
      count = std::max(count, node.elements.size());
      split(node.children, count);
    }
  }

  // Gives whether the object has any member.
  bool element(const std::vector<Node>& nodes, size_t i) {
    out_.push_back('{');
    size_t first = out_.size();
    for (const Node& node : nodes) {
      size_t before = out_.size();
      if (before != first) out_.push_back(',');
      append_json_string(node.key, out_);
      out_.push_back(':');
      bool there = false;
      if (node.mark == shape::kLeaf) {
        there = i < node.elements.size() && !node.elements[i].empty();
        if (there) out_.append(node.elements[i]);
      } else {
        there = element(node.children, i);
      }
      if (!there) out_.resize(before);
    }
    bool any = out_.size() != first;
    out_.push_back('}');
    return any;
  }

  Walker walk_;
  const LeafText& leaf_;
  std::string& out_;
  std::string path_;
  std::string name_;
};

}  // namespace

void append_shape_key(std::string_view key, char mark, std::string& out) {
  for (char c : key) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out.push_back(shape::kEscape);
      out.push_back(static_cast<char>(c + 0x40));
    } else {
      out.push_back(c);
    }
  }
  out.push_back(mark);
}

std::string_view column_name(std::string_view path, std::string& buffer) {
  constexpr size_t kHashDigits = 16;
  if (path.empty()) return kEmptyName;
  if (path.size() > kFieldNameBytesMax) {
    uint64_t hash = base::hash64(path);
    size_t keep = kFieldNameBytesMax - kHashDigits - 1;
    // Never cut inside a character.
    while (keep > 0 && (static_cast<unsigned char>(path[keep]) & 0xC0) == 0x80) --keep;
    buffer.assign(path.substr(0, keep));
    buffer.push_back('~');
    for (size_t i = 0; i < kHashDigits; ++i, hash <<= 4) buffer.push_back("0123456789abcdef"[hash >> 60]);
    return buffer;
  }
  if (path.front() != '_') return path;
  for (std::string_view own : kOwnColumns) {
    if (path != own) continue;
    buffer.assign(kOwnPrefix);
    buffer.append(path);
    return buffer;
  }
  return path;
}

Status rebuild_document(std::string_view shape, const LeafText& leaf, std::string& out) {
  return Rebuilder(shape, leaf, out).run();
}

Status for_each_leaf(std::string_view shape, const std::function<void(std::string_view)>& fn) {
  Walker walk(shape);
  std::vector<size_t> prefixes;
  std::string path;
  std::string name;
  Member m;
  for (;;) {
    if (!walk.next(m)) {
      if (walk.damaged() || (m.mark == shape::kEnd) != !prefixes.empty()) return Error(Code::kCorrupt, "damaged shape");
      if (prefixes.empty()) return {};
      path.resize(prefixes.back());
      prefixes.pop_back();
      continue;
    }
    size_t prefix = path.size();
    path += m.key;
    if (m.mark == shape::kLeaf) {
      fn(column_name(path, name));
      path.resize(prefix);
    } else {
      if (prefixes.size() > kDepthMax) return Error(Code::kCorrupt, "damaged shape");
      prefixes.push_back(prefix);
      path.push_back('.');
    }
  }
}

}  // namespace clew::model
