// For who has read YAML already: the one door between yaml-cpp and Tree.
#pragma once

#include "yaml/tree.h"

namespace YAML {
class Node;
}

namespace clew::yaml {

Tree tree_of(const YAML::Node& node, Mistakes& mistakes, const Substitute& substitute);

}  // namespace clew::yaml
