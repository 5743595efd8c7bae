// Message templates: texts cut into what stays and what changes.
//
// Variables are words (runs of ASCII letters, digits, `_`; runs with bytes above 0x7f stay whole and static) that have
// a digit, and UUIDs. A template is the text with a placeholder for each:
//   kNumber         a decimal number without leading zeros, up to 18 digits
//   kFixed, width   a decimal number of that many digits (width is one byte, '0' + digits, up to 18)
//   kWord           any other text
// Texts that have one of these bytes are not cut. On disk.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column_view.h"
#include "columnar/dictionary.h"

namespace clew::columnar {

constexpr char kNumber = 0x11;
constexpr char kWord = 0x12;
constexpr char kFixed = 0x13;
constexpr size_t kNumberDigitsMax = 18;
constexpr uint32_t kTemplatesMax = 4096;
constexpr uint32_t kVariablesMax = 64;  // of one text; texts with more are not cut

// The value of a slot: of kWord a text, else a number.
struct Variable {
  const char* text = nullptr;
  int64_t number = 0;  // of kWord the bytes of the text

  std::string_view word() const { return {text, static_cast<size_t>(number)}; }
};

// Cuts `text`: gives the template, which lies in `buffer`, and appends the variables, whose words lie in `text`. Empty
// when the text cannot be cut.
std::optional<std::string_view> cut_text(std::string_view text, std::string& buffer, std::vector<Variable>& variables);

// A template read back.
struct Template {
  struct Slot {
    char kind = kWord;
    uint8_t width = 0;        // of kFixed
    std::string_view before;  // static text in front of the slot
  };
  std::vector<Slot> slots;
  std::string_view after;  // static text behind the last slot
};

struct Templates {
  DictionaryPtr texts;
  std::vector<Template> list;
};
using TemplatesPtr = std::shared_ptr<const Templates>;

// Appends the text that the template and its variables stand for.
void print_template(const Template& shape, const Variable* variables, std::string& out);

// Errors: kCorrupt for a text that is no template.
Result<TemplatesPtr> parse_templates(DictionaryPtr texts);

// The templates of one column while it is encoded.
//
// Threads:  one at a time; keeps its memory.
// Lifetime: the column given last outlives the use of its variables.
class TemplateSet {
 public:
  // Cuts all texts but those that come as templates (row by row; rows without one are left out). False when templates
  // are no gain for them.
  bool build(const ColumnView& column);

  static constexpr uint32_t kWhole = kWholeText;  // the text of the row is kept whole
  uint32_t code(uint32_t row) const { return codes_[row]; }
  const Variable* variables(uint32_t row) const { return at_[row]; }
  // The templates in use.
  const std::vector<std::string_view>& entries() const { return kept_; }
  const Templates& parsed() const { return *parsed_; }

 private:
  void begin(const ColumnView& column);
  uint32_t cut(std::string_view text);
  bool keep_frequent(uint32_t texts);

  DictionaryBuilder dictionary_;
  std::deque<std::string> arena_;
  std::string buffer_;
  std::vector<uint32_t> codes_;
  std::vector<uint32_t> first_variable_;  // of the rows cut here
  std::vector<Variable> variables_;
  std::vector<const Variable*> at_;
  std::vector<uint32_t> counts_;
  std::vector<std::string_view> kept_;
  TemplatesPtr parsed_;
};

}  // namespace clew::columnar
