// Copying files of a store, as its snapshot does.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "os/disk.h"

namespace clew::os {

// Copies the first `bytes_max` bytes of `from` to `to`, a new file, and syncs it; blocks of zeros become holes.
// Errors: those of the disk.
Status copy_file(Disk& disk, const std::string& from, const std::string& to, uint64_t bytes_max);

// Whether `dir` is not there, or there and empty. Errors: kExists when it holds anything; those of the disk.
Status check_empty(Disk& disk, const std::string& dir);

}  // namespace clew::os
