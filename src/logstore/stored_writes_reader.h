// What LogStore::stored_writes() and ::has_old_keys() do; inside logstore/ only.
#pragma once

#include <string>
#include <vector>

#include "logstore/engine.h"
#include "logstore/stored_writes.h"

namespace clew::logstore {

// Cost: the `_seq`s of the row groups that the page touches, and their columns.
WritesPage read_stored_writes(const Engine& engine, const std::string& tenant, const WritesRequest& request);

// The keyed writes of which a row lies behind `after`. Cost: a look at the ranges behind it.
std::vector<StoredCommit> find_stored_commits(const Engine& engine, const std::string& tenant, uint64_t after);

// By key whether it is stored though memory may not know it any more. Cost: none while memory knows all keys, else a
// look at every range of every segment.
std::vector<bool> find_stored_keys(const Engine& engine, const std::string& tenant,
                                   const std::vector<contract::BatchKey>& keys);

}  // namespace clew::logstore
