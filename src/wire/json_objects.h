// Arrays of objects become one array per leaf (model/column.h), with a shape that puts them together again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace clew::wire {

// Threads: one; reused from array to array.
class ObjectsSplitter {
 public:
  struct Leaf {
    std::string path;   // dotted, below the array
    std::string array;  // its values, a gap where an object lacks it
  };

  // Takes an array apart. False when it is not regular enough: an element that is no object, members whose order or
  // names contradict each other, only empty objects, or so sparse that the gaps would outweigh the values. It is then
  // kept whole. Requires: a JSON array checked by skip_value, at most 64 levels deep.
  bool split(std::string_view array);

  const std::vector<Leaf>& leaves() const { return leaves_; }
  // The members for model/shape.h, without the array's own key and the mark that ends it.
  const std::string& shape() const { return shape_; }

 private:
  struct Node;
  struct Child {
    std::string name;
    bool object = false;
    size_t leaf = 0;             // of a leaf: into leaves_
    std::unique_ptr<Node> node;  // of an object
  };
  struct Node {
    std::string prefix;
    std::vector<Child> children;
    std::unordered_map<std::string, size_t> places;  // of children, by kind and name
  };

  bool elements(const char* p, const char* end);
  bool members(Node& node, const char*& p, const char* end);
  Child* child(Node& node, size_t& place, const std::string& name, bool object);
  void add_value(Leaf& leaf, std::string_view value);
  bool finish();
  void write_shape(const Node& node);

  std::vector<Leaf> leaves_;
  std::vector<size_t> commas_;  // in each leaf's array so far
  std::string shape_;
  std::unique_ptr<Node> root_;
  size_t element_ = 0;
  size_t array_bytes_ = 0;
  std::string name_;
};

}  // namespace clew::wire
