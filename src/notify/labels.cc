#include "notify/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace clew::notify {
namespace {

constexpr uint64_t kOffset = 14695981039346656037ull;
constexpr uint64_t kPrime = 1099511628211ull;

uint64_t hash_byte(uint64_t hash, uint8_t byte) { return (hash ^ byte) * kPrime; }

uint64_t hash_text(uint64_t hash, std::string_view text) {
  for (char c : text) hash = hash_byte(hash, static_cast<uint8_t>(c));
  return hash_byte(hash, 255);
}

// Fewer labels come first; else the first name that differs decides.
bool labels_before(const Labels& a, const Labels& b) {
  if (a.size() != b.size()) return a.size() < b.size();
  std::set<std::string> names;
  for (const auto& [name, value] : a) names.insert(name);
  for (const auto& [name, value] : b) names.insert(name);
  for (const std::string& name : names) {
    auto in_a = a.find(name);
    auto in_b = b.find(name);
    if (in_a == a.end()) return true;
    if (in_b == b.end()) return false;
    if (in_a->second != in_b->second) return in_a->second < in_b->second;
  }
  return false;
}

}  // namespace

uint64_t fingerprint(const Labels& labels) {
  uint64_t hash = kOffset;
  for (const auto& [name, value] : labels) hash = hash_text(hash_text(hash, name), value);
  return hash;
}

std::string fingerprint_text(uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (byte < 32 || byte == 127)
          out += fmt::format("\\x{:02x}", byte);
        else
          out += c;
    }
  }
  return out + '"';
}

std::string labels_text(const Labels& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ", ";
    out += name + "=" + go_quoted(value);
  }
  return out + "}";
}

bool before_in_notification(const Labels& a, const Labels& b) {
  for (const char* name : {"job", "instance"}) {
    auto in_a = a.find(name);
    auto in_b = b.find(name);
    if (in_a == a.end() && in_b == b.end()) continue;
    if (in_a == a.end()) return false;
    if (in_b == b.end()) return true;
    if (in_a->second != in_b->second) return in_a->second < in_b->second;
  }
  return labels_before(a, b);
}

const std::string& value_of(const Labels& labels, const std::string& name) {
  static const std::string kNone;
  auto found = labels.find(name);
  return found == labels.end() ? kNone : found->second;
}

void keep_common(Labels& common, const Labels& other) {
  std::erase_if(common, [&](const auto& label) {
    auto found = other.find(label.first);
    return found == other.end() || found->second != label.second;
  });
}

bool is_label_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace clew::notify
