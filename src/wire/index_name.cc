#include "wire/index_name.h"

namespace clew::wire {
namespace {

constexpr size_t kCounterDigits = 6;  // -000001

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The shapes of a date after its dash: d is a digit, anything else stands for itself.
constexpr std::string_view kDates[] = {
    "dddd.dd.dd.dd", "dddd-dd-dd-dd", "dddd.dd.dd", "dddd-dd-dd", "dddd_dd_dd", "dddd.dd", "dddd-dd", "dddddddd",
};

bool fits(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  }
  return true;
}

// A date of this or the last century, with a month.
bool is_date(std::string_view text) {
  if (text[0] != '1' && text[0] != '2') return false;
  size_t month = is_digit(text[4]) ? 4 : 5;
  int value = (text[month] - '0') * 10 + (text[month + 1] - '0');
  return value >= 1 && value <= 12;
}

std::string_view without_counter(std::string_view name) {
  if (name.size() <= kCounterDigits + 1) return name;
  std::string_view tail = name.substr(name.size() - kCounterDigits - 1);
  return fits(tail, "-dddddd") ? name.substr(0, name.size() - tail.size()) : name;
}

std::string_view without_date(std::string_view name) {
  for (std::string_view shape : kDates) {
    if (name.size() < shape.size() + 2) continue;
    size_t dash = name.size() - shape.size() - 1;
    std::string_view tail = name.substr(dash + 1);
    bool separated = name[dash] == '-' || name[dash] == '_' || name[dash] == '.';
    if (separated && fits(tail, shape) && is_date(tail)) return name.substr(0, dash);
  }
  return name;
}

}  // namespace

std::string_view dataset_of_index(std::string_view index) { return without_date(without_counter(index)); }

Status check_dataset_name(std::string_view name) {
  constexpr std::string_view kForbidden = "\\/*?\"<>| ,#:";
  if (name.empty()) return Error(Code::kInvalid, "the dataset name is empty");
  if (name.size() > kDatasetNameBytesMax) {
    return Error(Code::kInvalid, "dataset name " + quoted(name) + " is longer than 255 bytes");
  }
  if (name == "clew" || name == "audit") {
    return Error(Code::kForbidden, "dataset " + quoted(name) + " is written by clew alone");
  }
  if (name == "." || name == ".." || name[0] == '_' || name[0] == '-' || name[0] == '+') {
    return Error(Code::kInvalid,
                 "dataset name " + quoted(name) + " must not start with '_', '-' or '+', nor be '.' or '..'");
  }
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') return Error(Code::kInvalid, "dataset name " + quoted(name) + " must be lowercase");
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (control || kForbidden.find(c) != std::string_view::npos) {
      return Error(Code::kInvalid,
                   "dataset name " + quoted(name) + " must not contain " + quoted(std::string_view(&c, 1)));
    }
  }
  return {};
}

}  // namespace clew::wire
