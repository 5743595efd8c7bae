#include "geo/database.h"

#include <fmt/format.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "geo/countries.h"

namespace clew::geo {
namespace {

// What open() looks at to see what a file knows and whether it is whole.
constexpr size_t kSampleRecords = 1024;
constexpr size_t kSampleNodes = 1 << 16;
constexpr size_t kTextBytesMax = 1024;  // of one property; more is no name
constexpr uint64_t kReadBytes = 1 << 20;

Error damaged(int status) {
  return Error(Code::kCorrupt, fmt::format("damaged, or no MMDB file: {}", MMDB_strerror(status)));
}

class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("clew-geoip", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // A name under which the library opens it.
  std::string name() const { return fmt::format("/proc/self/fd/{}", descriptor_); }
  // Errors: kNotFound, kIo, kTooLarge.
  Status copy(os::Disk& disk, const std::string& path) {
    std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
    uint64_t bytes = CLEW_TRY(file->size_bytes());
    if (bytes > kDatabaseBytesMax) {
      return Error(Code::kTooLarge, fmt::format("{} bytes, more than {}", bytes, kDatabaseBytesMax));
    }
    for (uint64_t at = 0; at < bytes; at += kReadBytes) {
      std::string piece = CLEW_TRY(file->read_at(at, std::min(kReadBytes, bytes - at)));
      CLEW_TRY(append(piece));
    }
    return {};
  }

 private:
  Status append(std::string_view piece) {
    while (!piece.empty()) {
      ssize_t written = descriptor_ < 0 ? -1 : write(descriptor_, piece.data(), piece.size());
      if (written < 0 && descriptor_ >= 0 && errno == EINTR) continue;
      if (written <= 0) return Error(Code::kIo, fmt::format("no memory for the file: {}", std::strerror(errno)));
      piece.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  int descriptor_;
};

using Path = std::vector<const char*>;  // ends with null

// Reads one record.
class RecordReader {
 public:
  RecordReader(const MMDB_s& database, uint32_t record) : entry_{&database, record} {}

  // Empty where the record has no such text. The first failure is kept.
  std::string text(const Path& path) {
    MMDB_entry_data_s data;
    if (!read(path, data) || data.type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    return std::string(data.utf8_string, std::min<size_t>(data.data_size, kTextBytesMax));
  }
  // As it prints; empty without one.
  std::string number(const Path& path) {
    MMDB_entry_data_s data;
    if (!read(path, data)) return {};
    if (data.type == MMDB_DATA_TYPE_DOUBLE) return fmt::format("{}", data.double_value);
    if (data.type == MMDB_DATA_TYPE_FLOAT) return fmt::format("{}", data.float_value);
    if (data.type == MMDB_DATA_TYPE_UTF8_STRING) return text(path);
    return {};
  }
  int status() const { return status_; }

 private:
  bool read(const Path& path, MMDB_entry_data_s& data) {
    int status = MMDB_aget_value(&entry_, &data, path.data());
    if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) return false;
    if (status != MMDB_SUCCESS && status_ == MMDB_SUCCESS) status_ = status;
    return status == MMDB_SUCCESS && data.has_data;
  }

  MMDB_entry_s entry_;
  int status_ = MMDB_SUCCESS;
};

std::string location(const std::string& latitude, const std::string& longitude) {
  if (latitude.empty() || longitude.empty()) return {};
  return latitude + "," + longitude;
}

void read_nested(RecordReader& record, Place& out) {
  out.at(Property::kCountryIsoCode) = record.text({"country", "iso_code", nullptr});
  out.at(Property::kCountryName) = record.text({"country", "names", "en", nullptr});
  out.at(Property::kContinentCode) = record.text({"continent", "code", nullptr});
  out.at(Property::kContinentName) = record.text({"continent", "names", "en", nullptr});
  std::string region = record.text({"subdivisions", "0", "iso_code", nullptr});
  const std::string& country = out.at(Property::kCountryIsoCode);
  if (!region.empty() && !country.empty()) out.at(Property::kRegionIsoCode) = country + "-" + region;
  out.at(Property::kRegionName) = record.text({"subdivisions", "0", "names", "en", nullptr});
  out.at(Property::kCityName) = record.text({"city", "names", "en", nullptr});
  out.at(Property::kPostalCode) = record.text({"postal", "code", nullptr});
  out.at(Property::kTimeZone) = record.text({"location", "time_zone", nullptr});
  out.at(Property::kLocation) =
      location(record.number({"location", "latitude", nullptr}), record.number({"location", "longitude", nullptr}));
}

void read_flat(RecordReader& record, Place& out) {
  out.at(Property::kCountryIsoCode) = record.text({"country_code", nullptr});
  out.at(Property::kRegionName) = record.text({"state1", nullptr});
  out.at(Property::kCityName) = record.text({"city", nullptr});
  out.at(Property::kPostalCode) = record.text({"postcode", nullptr});
  out.at(Property::kTimeZone) = record.text({"timezone", nullptr});
  out.at(Property::kLocation) = location(record.number({"latitude", nullptr}), record.number({"longitude", nullptr}));
}

// What follows from the code of the country.
void complete(Place& place) {
  const Country* country = find_country(place.at(Property::kCountryIsoCode));
  if (country == nullptr) return;
  if (place.at(Property::kCountryName).empty()) place.at(Property::kCountryName) = country->name;
  if (!place.at(Property::kContinentCode).empty()) return;
  place.at(Property::kContinentCode) = country->continent;
  if (place.at(Property::kContinentName).empty())
    place.at(Property::kContinentName) = continent_name(country->continent);
}

class MmdbFile final : public Database {
 public:
  MmdbFile(std::string path, Addresses addresses) : path_(std::move(path)), addresses_(addresses) {}
  ~MmdbFile() override {
    if (open_) MMDB_close(&mmdb_);
  }

  Status load(os::Disk& disk) {
    MemoryFile memory;
    CLEW_TRY(memory.copy(disk, path_));
    int status = MMDB_open(memory.name().c_str(), MMDB_MODE_MMAP, &mmdb_);
    if (status != MMDB_SUCCESS) return damaged(status);
    open_ = true;
    return sample();
  }

  Result<std::optional<uint32_t>> find(const Address& address) const override {
    if (addresses_ == Addresses::kGlobal && !is_global(address)) return std::optional<uint32_t>();
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s found = look_up(address, status);
    if (status == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR) return std::optional<uint32_t>();
    if (status != MMDB_SUCCESS) return damaged(status).at(path_);
    if (!found.found_entry) return std::optional<uint32_t>();
    return std::optional<uint32_t>(found.entry.offset);
  }

  Result<Place> place(uint32_t record) const override {
    Place out;
    RecordReader nested(mmdb_, record);
    read_nested(nested, out);
    if (nested.status() != MMDB_SUCCESS) return damaged(nested.status()).at(path_);
    if (std::all_of(out.texts.begin(), out.texts.end(), [](const std::string& text) { return text.empty(); })) {
      RecordReader flat(mmdb_, record);
      read_flat(flat, out);
      if (flat.status() != MMDB_SUCCESS) return damaged(flat.status()).at(path_);
    }
    complete(out);
    return out;
  }

  bool has_cities() const override { return has_cities_; }
  const std::string& path() const override { return path_; }

 private:
  MMDB_lookup_result_s look_up(const Address& address, int& status) const {
    if (address.v4) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof(v4.sin_addr));
      return MMDB_lookup_sockaddr(&mmdb_, reinterpret_cast<const sockaddr*>(&v4), &status);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof(v6.sin6_addr));
    return MMDB_lookup_sockaddr(&mmdb_, reinterpret_cast<const sockaddr*>(&v6), &status);
  }

  // Reads some of the records.
  Status sample() {
    std::set<uint32_t> records = CLEW_TRY(sampled_records());
    bool has_countries = false;
    for (uint32_t record : records) {
      Place found = CLEW_TRY(place(record));
      has_countries = has_countries || !found.at(Property::kCountryIsoCode).empty();
      for (size_t i = kCountryPropertyCount; i < kPropertyCount; ++i)
        has_cities_ = has_cities_ || !found.texts[i].empty();
    }
    if (!has_countries && !has_cities_) {
      return Error(Code::kUnsupported,
                   fmt::format("an MMDB file of type \"{}\", which names no countries and no cities",
                               mmdb_.metadata.database_type));
    }
    return {};
  }

  Result<std::set<uint32_t>> sampled_records() const {
    std::set<uint32_t> records;
    std::vector<uint32_t> open{0};
    for (size_t nodes = 0; !open.empty() && nodes < kSampleNodes && records.size() < kSampleRecords; ++nodes) {
      MMDB_search_node_s node;
      int status = MMDB_read_node(&mmdb_, open.back(), &node);
      open.pop_back();
      if (status != MMDB_SUCCESS) return damaged(status);
      for (bool left : {false, true}) {  // the left one is taken first: IPv4 lies there
        uint8_t type = left ? node.left_record_type : node.right_record_type;
        if (type == MMDB_RECORD_TYPE_INVALID) return damaged(MMDB_CORRUPT_SEARCH_TREE_ERROR);
        if (type == MMDB_RECORD_TYPE_DATA) {
          records.insert(left ? node.left_record_entry.offset : node.right_record_entry.offset);
        } else if (type == MMDB_RECORD_TYPE_SEARCH_NODE) {
          open.push_back(static_cast<uint32_t>(left ? node.left_record : node.right_record));
        }
      }
    }
    return records;
  }

  const std::string path_;
  const Addresses addresses_;
  MMDB_s mmdb_{};
  bool open_ = false;
  bool has_cities_ = false;
};

}  // namespace

Result<DatabasePtr> Database::open(os::Disk& disk, const std::string& path, Addresses addresses) {
  auto file = std::make_shared<MmdbFile>(path, addresses);
  Status loaded = file->load(disk);
  if (!loaded.ok()) {
    Error error = loaded.error();
    if (error.message().starts_with(path)) return error;
    return std::move(error).at(path);
  }
  return DatabasePtr(std::move(file));
}

}  // namespace clew::geo
