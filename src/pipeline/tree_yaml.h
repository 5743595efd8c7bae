// For who has read YAML already: the one door between yaml-cpp and Tree.
#pragma once

#include "pipeline/tree.h"

namespace YAML {
class Node;
}

namespace clew::pipeline {

Tree tree_of(const YAML::Node& node, Mistakes& mistakes, const Substitute& substitute);

}  // namespace clew::pipeline
