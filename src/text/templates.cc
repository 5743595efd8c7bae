#include "text/templates.h"

#include <algorithm>

namespace clew::text {

namespace {

constexpr std::string_view kIpVariable = "<*IP*>";
constexpr std::string_view kTimeVariable = "<*DATETIME*>";
constexpr std::string_view kUuidVariable = "<*UUID*>";
constexpr size_t kLongNumberDigits = 4;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool alnum(char c) { return digit(c) || letter(c); }
bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == '+'; }

// Looks at one place of a text: how many bytes of a thing begin there, 0 for none.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  size_t digits(size_t at) const {
    size_t n = 0;
    while (at + n < text_.size() && digit(text_[at + n])) ++n;
    return n;
  }

  // Four numbers with dots, perhaps a slash before and a port behind.
  size_t address(size_t at) const {
    size_t i = at;
    if (text_[i] == '/') ++i;
    for (int part = 0; part < 4; ++part) {
      if (part > 0 && (i >= text_.size() || text_[i++] != '.')) return 0;
      size_t n = digits(i);
      if (n == 0 || n > 3) return 0;
      i += n;
    }
    if (i < text_.size() && text_[i] == ':') {
      ++i;
      i += digits(i);
    }
    return i - at;
  }

  // yyyy-MM-dd[T ]HH:mm:ss[.fff][zone]
  size_t date_time(size_t at) const {
    size_t i = at;
    if (!shape(i, "dddd-dd-dd")) return 0;
    if (i < text_.size() && (text_[i] == 'T' || text_[i] == ' ')) ++i;
    if (!shape(i, "dd:dd:dd")) return 0;
    if (i < text_.size() && text_[i] == '.' && digits(i + 1) > 0) i += 1 + digits(i + 1);
    if (i < text_.size() && text_[i] == 'Z') return i + 1 - at;
    size_t zone = i;
    if (zone < text_.size() && (text_[zone] == '+' || text_[zone] == '-')) {
      ++zone;
      if (shape(zone, "dd:dd") || shape(zone, "dddd")) i = zone;
    }
    return i - at;
  }

  size_t uuid(size_t at) const {
    static constexpr size_t kParts[] = {8, 4, 4, 4, 12};
    size_t i = at;
    for (size_t part = 0; part < 5; ++part) {
      if (part > 0 && (i >= text_.size() || text_[i++] != '-')) return 0;
      for (size_t n = 0; n < kParts[part]; ++n, ++i) {
        if (i >= text_.size() || !hex(text_[i])) return 0;
      }
    }
    bool ends = i == text_.size() || !alnum(text_[i]);
    bool begins = at == 0 || !alnum(text_[at - 1]);
    return begins && ends ? i - at : 0;
  }

  size_t hex_number(size_t at) const {
    if (text_[at] != '0' || at + 2 >= text_.size() || (text_[at + 1] | 0x20) != 'x') return 0;
    size_t i = at + 2;
    while (i < text_.size() && hex(text_[i])) ++i;
    return i > at + 2 ? i - at : 0;
  }

  // Letters followed by digits: `upton5450`.
  size_t named_number(size_t at) const {
    size_t i = at;
    while (i < text_.size() && letter(text_[i])) ++i;
    size_t n = digits(i);
    return i > at && n > 0 ? i + n - at : 0;
  }

  // Long numbers and fractions always vary; short ones when something other than blanks, letters and digits stands
  // before and behind.
  size_t number(size_t at) const {
    size_t i = at;
    bool sign = text_[i] == '-' || text_[i] == '+';
    if (sign) ++i;
    size_t whole = digits(i);
    if (whole == 0) return 0;
    i += whole;
    bool fraction = i < text_.size() && text_[i] == '.' && digits(i + 1) > 0;
    if (fraction) i += 1 + digits(i + 1);
    char before = at == 0 ? ' ' : text_[at - 1];
    char behind = i < text_.size() ? text_[i] : ' ';
    bool enclosed = !alnum(before) && before != ' ' && at > 0 && i < text_.size() && !alnum(behind);
    return whole >= kLongNumberDigits || fraction || enclosed ? i - at : 0;
  }

 private:
  bool shape(size_t& at, std::string_view form) const {
    if (at + form.size() > text_.size()) return false;
    for (size_t i = 0; i < form.size(); ++i) {
      if (form[i] == 'd' ? !digit(text_[at + i]) : text_[at + i] != form[i]) return false;
    }
    at += form.size();
    return true;
  }

  std::string_view text_;
};

// The text with variables for what surely varies.
std::string with_variables(std::string_view text) {
  Scanner scan(text);
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    size_t length = 0;
    std::string_view variable = kVariable;
    bool word_begins = at == 0 || !alnum(text[at - 1]);
    if ((length = word_begins ? scan.uuid(at) : 0) != 0)
      variable = kUuidVariable;
    else if ((length = scan.date_time(at)) != 0)
      variable = kTimeVariable;
    else if ((length = word_begins ? scan.address(at) : 0) != 0)
      variable = kIpVariable;
    else if ((length = word_begins ? scan.hex_number(at) : 0) != 0)
      variable = kVariable;
    else if (letter(text[at]) && word_begins)
      length = scan.named_number(at);
    else
      length = scan.number(at);
    if (length != 0) {
      out += variable;
      at += length;
      continue;
    }
    // A run of letters or digits that is no variable is taken whole.
    do out.push_back(text[at++]);
    while (at < text.size() && alnum(text[at - 1]) && alnum(text[at]));
  }
  return out;
}

}  // namespace

std::string simple_template(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (!alnum(text[at])) {
      out.push_back(text[at++]);
      continue;
    }
    while (at < text.size() && alnum(text[at])) ++at;
    out += kVariable;
  }
  return out;
}

std::vector<std::string> template_words(std::string_view text) {
  std::string plain = with_variables(text);
  std::vector<std::string> out;
  for (size_t at = 0; at < plain.size();) {
    size_t end = at;
    while (end < plain.size() && !blank(plain[end])) ++end;
    if (end > at) out.emplace_back(plain.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

uint32_t TemplateMiner::number_of(size_t place, std::string_view word) {
  std::string key = std::to_string(place) + " " + std::string(word);
  auto [it, fresh] = numbers_.try_emplace(std::move(key), static_cast<uint32_t>(words_.size()));
  if (fresh) {
    words_.emplace_back(word);
    frequencies_.push_back(0);
    bytes_ += 2 * word.size() + 128;
  }
  return it->second;
}

void TemplateMiner::add(std::string_view text) {
  Text made;
  std::vector<std::string> words = template_words(text);
  for (size_t place = 0; place < words.size(); ++place) {
    uint32_t number = number_of(place, words[place]);
    ++frequencies_[number];
    made.words.push_back(number);
  }
  bytes_ += sizeof(Text) + made.words.size() * sizeof(uint32_t);
  texts_.push_back(std::move(made));
}

void TemplateMiner::find_groups() {
  for (Text& text : texts_) {
    std::map<uint64_t, uint32_t> combinations;  // words by frequency
    for (uint32_t word : text.words) ++combinations[frequencies_[word]];
    if (combinations.empty()) continue;
    double least = static_cast<double>(combinations.rbegin()->first) * options_.frequency_share;
    for (const auto& [frequency, length] : combinations) {
      // The longest combination; of equally long ones the more frequent.
      if (static_cast<double>(frequency) > least && length >= text.length) {
        text.frequency = frequency;
        text.length = length;
      }
    }
    for (size_t place = 0; place < text.words.size(); ++place) {
      bytes_ += places_[key(text, place)].insert(text.words[place]).second ? 64 : 0;
    }
  }
}

TemplateMiner::GroupPlace TemplateMiner::key(const Text& text, size_t place) const {
  return std::to_string(text.words.size()) + " " + std::to_string(text.frequency) + " " + std::to_string(text.length) +
         " " + std::to_string(place);
}

std::string TemplateMiner::template_of(size_t i) {
  if (!grouped_) find_groups();
  grouped_ = true;
  const Text& text = texts_[i];
  std::string out;
  for (size_t place = 0; place < text.words.size(); ++place) {
    uint32_t word = text.words[place];
    size_t different = places_[key(text, place)].size();
    uint64_t frequency = frequencies_[word];
    bool varies = (frequency > text.frequency && different > 1) ||
                  (frequency < text.frequency && different >= options_.variable_count);
    if (place > 0) out.push_back(' ');
    out += varies ? std::string(kVariable) : words_[word];
  }
  return out;
}

namespace {

// Length of the variable that begins here, 0 for none.
size_t variable_at(std::string_view pattern, size_t at) {
  for (std::string_view variable : {kVariable, kIpVariable, kTimeVariable, kUuidVariable}) {
    if (pattern.substr(at).starts_with(variable)) return variable.size();
  }
  return 0;
}

}  // namespace

uint32_t number_variables(std::string_view pattern, std::string& numbered) {
  uint32_t count = 0;
  for (size_t at = 0; at < pattern.size();) {
    size_t length = variable_at(pattern, at);
    if (length == 0) {
      numbered.push_back(pattern[at++]);
      continue;
    }
    numbered += "<token" + std::to_string(++count) + ">";
    at += length;
  }
  return count;
}

bool template_values(std::string_view text, std::string_view pattern, std::vector<std::string_view>& values) {
  values.clear();
  size_t t = 0;
  while (t < text.size() && blank(text[t])) ++t;
  for (size_t p = 0; p < pattern.size();) {
    if (blank(pattern[p])) {
      ++p;
      size_t begin = t;
      while (t < text.size() && blank(text[t])) ++t;
      if (t == begin) return false;
      continue;
    }
    size_t length = variable_at(pattern, p);
    if (length == 0) {
      if (t >= text.size() || text[t] != pattern[p]) return false;
      ++t;
      ++p;
      continue;
    }
    p += length;
    // Up to the literal that follows; a variable holds no blank unless it is the last or a time.
    size_t literal_end = p;
    while (literal_end < pattern.size() && !blank(pattern[literal_end]) && variable_at(pattern, literal_end) == 0)
      ++literal_end;
    std::string_view literal = pattern.substr(p, literal_end - p);
    bool word_ends = literal_end >= pattern.size() || blank(pattern[literal_end]);
    size_t begin = t;
    while (t < text.size()) {
      bool time = length == kTimeVariable.size() && text[t] == ' ';
      if (blank(text[t]) && !time) break;
      bool here = !literal.empty() && t > begin && text.substr(t).starts_with(literal);
      size_t behind = t + literal.size();
      if (here && (!word_ends || behind >= text.size() || blank(text[behind]))) break;
      ++t;
    }
    values.push_back(text.substr(begin, t - begin));
  }
  while (t < text.size() && blank(text[t])) ++t;
  return t >= text.size();
}

}  // namespace clew::text
