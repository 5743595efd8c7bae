// The type that queries see in stored values of a kind.
#pragma once

#include "model/column.h"
#include "model/value.h"

namespace clew::model {

// kNull for a null: it says nothing about its field.
Type type_of(Kind kind);

}  // namespace clew::model
