// What a value of the configuration file may be: text becomes a size, a duration, an address, or an Error that says how
// to write one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace clew::app {

Error wrong(const std::string& text, std::string_view expected);
Status set_share(const std::string& text, double& cores);
Status set_size(const std::string& text, uint64_t& to);
Status set_days(const std::string& text, uint32_t& to);
Status set_address(const std::string& text, net::Address& to);
Status set_path(const std::string& text, std::string& to);
// A key that callers must send: at least kKeyBytesLeast printable characters without blanks.
constexpr size_t kKeyBytesLeast = 16;
Status add_key(const std::string& text, std::vector<std::string>& to);
// Those of a file, a line each. Errors: also when there is none.
Status add_keys_of_file(const std::string& path, std::vector<std::string>& to);
Status set_bounded_size(const std::string& text, uint64_t min, uint64_t max, uint64_t& to);
Status set_millis(const std::string& text, uint64_t max, uint64_t& to);
Status set_timeout(const std::string& text, uint32_t& to);
Status set_count(const std::string& text, uint64_t min, uint64_t max, uint64_t& to);
Status set_yes_or_no(const std::string& text, bool& to);
Status set_on_or_off(const std::string& text, bool& to);
Status set_number(const std::string& text, uint64_t max, uint32_t& to);
Status set_format(const std::string& text, std::string& to);
Status set_zone(const std::string& text, std::string& to);

}  // namespace clew::app
