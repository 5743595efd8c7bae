// One file of places by address, in MaxMind's MMDB format. Two schemas are read: MaxMind's (GeoIP2, GeoLite2 country,
// city, enterprise) and the flat one of ip-location-db (country_code, city, state1 ..).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "geo/address.h"
#include "geo/place.h"
#include "os/disk.h"

namespace clew::geo {

constexpr uint64_t kDatabaseBytesMax = 1ull << 30;

// Which addresses are looked for.
enum class Addresses : uint8_t {
  kAll,     // what a file says of private addresses holds: some name their own offices
  kGlobal,  // only those that have a place in the world (address.h)
};

class Database;
using DatabasePtr = std::shared_ptr<const Database>;

// Frozen once open: the file is read whole into memory of our own, so that whoever replaces, cuts or deletes it does
// not touch what is being read.
//
// Threads: any.
class Database {
 public:
  // Errors: kNotFound, kIo; kTooLarge beyond kDatabaseBytesMax; kCorrupt when it is no MMDB file or a damaged one;
  // kUnsupported when it says nothing about places (an ASN database). Messages name the path.
  static Result<DatabasePtr> open(os::Disk& disk, const std::string& path, Addresses addresses);
  virtual ~Database() = default;

  // The record of the network that holds the address; addresses of one network, and often networks of one place, share
  // a record, so that what is made of it can be kept by it. None when the file does not know the address.
  // Errors: kCorrupt.
  virtual Result<std::optional<uint32_t>> find(const Address& address) const = 0;
  // Requires: a record that find() gave.
  // Errors:   kCorrupt.
  virtual Result<Place> place(uint32_t record) const = 0;

  // True when it knows more than countries.
  virtual bool has_cities() const = 0;
  virtual const std::string& path() const = 0;
};

}  // namespace clew::geo
