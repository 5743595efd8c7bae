// Shapes: the `_shape` text of an event says how its JSON document is rebuilt from its columns.
//
// A shape lists the members of the document in order. Bytes below 0x20 are marks, everything else is the key,
// unescaped; a key's own byte below 0x20 is written as kEscape and the byte + 0x40.
//   key kLeaf                        the member's value is the column PREFIX key
//   key kObject member... kEnd      an object; PREFIX grows by key and "."
//   key kObjects member... kEnd     an array of objects, kept as one array per leaf (model/column.h); the members are
//   those
//                                   of all elements, and an element has those that it has values for
// Equal documents have equal shapes, so that a batch has few of them. On disk.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::model {

namespace shape {
constexpr char kLeaf = 0x01;
constexpr char kObject = 0x02;
constexpr char kEnd = 0x03;
constexpr char kObjects = 0x04;
constexpr char kEscape = 0x10;
}  // namespace shape

// Appends a key to a shape; a mark must follow, or a further members for kObject and kObjects and kEnd.
void append_shape_key(std::string_view key, char mark, std::string& out);

// The column that holds the leaf whose dotted path is `path`: the path itself, but for paths that are empty, longer
// than kFieldNameBytesMax (cut and hashed) or names of clew's own columns (they get the prefix `_source.`). The result
// may point into `path` or `buffer`.
std::string_view column_name(std::string_view path, std::string& buffer);

// Appends the JSON text of a column's value to `out`, or gives false when the event has none.
using LeafText = std::function<bool(std::string_view column, std::string& out)>;

// Appends the document that `shape` describes.
// Errors: kCorrupt for a text that is no shape; `out` then holds anything.
Status rebuild_document(std::string_view shape, const LeafText& leaf, std::string& out);

// Calls fn(column name) for each leaf, in order.
Status for_each_leaf(std::string_view shape, const std::function<void(std::string_view column)>& fn);

}  // namespace clew::model
