#include "text/grok.h"

#include <algorithm>

namespace clew::text {

namespace {

struct Part {
  std::string_view name;
  std::string_view regex;
};

// The usual names; the expressions do without look-around, which RE2 has not.
constexpr Part kParts[] = {
    {"WORD", R"(\b\w+\b)"},
    {"NOTSPACE", R"(\S+)"},
    {"SPACE", R"(\s*)"},
    {"DATA", R"(.*?)"},
    {"GREEDYDATA", R"(.*)"},
    {"GREEDYMULTILINE", R"((?s:.*))"},
    {"QUOTEDSTRING", R"((?:"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|`[^`\\]*(?:\\.[^`\\]*)*`))"},
    {"QS", "%{QUOTEDSTRING}"},
    {"UUID", R"([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})"},
    {"URN", R"(urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:[^\s]+)"},

    {"INT", R"([+-]?[0-9]+)"},
    {"POSINT", R"(\b[1-9][0-9]*\b)"},
    {"NONNEGINT", R"(\b[0-9]+\b)"},
    {"BASE10NUM", R"([+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))"},
    {"NUMBER", "%{BASE10NUM}"},
    {"BASE16NUM", R"([+-]?(?:0[xX])?[0-9A-Fa-f]+)"},
    {"BASE16FLOAT", R"(\b[+-]?(?:0[xX])?(?:[0-9A-Fa-f]+(?:\.[0-9A-Fa-f]*)?|\.[0-9A-Fa-f]+)\b)"},
    {"BOOL", R"((?i:true|false))"},

    {"USERNAME", R"([a-zA-Z0-9._-]+)"},
    {"USER", "%{USERNAME}"},
    {"EMAILLOCALPART", R"([a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+)"},
    {"EMAILADDRESS", "%{EMAILLOCALPART}@%{HOSTNAME}"},

    {"CISCOMAC", R"((?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4})"},
    {"WINDOWSMAC", R"((?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2})"},
    {"COMMONMAC", R"((?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2})"},
    {"MAC", "(?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})"},
    {"IPV4", R"((?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2}))"},
    {"IPV6",
     R"((?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|(?:[0-9A-Fa-f]{1,4}:){1,7}:|:(?::[0-9A-Fa-f]{1,4}){1,7}|::)(?:%[0-9A-Za-z]+)?)"},
    {"IP", "(?:%{IPV4}|%{IPV6})"},
    {"HOSTNAME", R"(\b[0-9A-Za-z](?:[0-9A-Za-z-]{0,62})(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?)"},
    {"HOST", "%{HOSTNAME}"},
    {"IPORHOST", "(?:%{IP}|%{HOSTNAME})"},
    {"HOSTPORT", "%{IPORHOST}:%{POSINT}"},

    {"UNIXPATH", R"((?:/[\w_%!$@:.,+~-]*)+)"},
    {"WINPATH", R"((?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+)"},
    {"PATH", "(?:%{UNIXPATH}|%{WINPATH})"},
    {"TTY", R"(/dev/(?:pts|tty(?:[pq])?)(?:\w+)?/?(?:[0-9]+))"},
    {"URIPROTO", R"([A-Za-z](?:[A-Za-z0-9+.-]+)+)"},
    {"URIHOST", "%{IPORHOST}(?::%{POSINT})?"},
    {"URIPATH", R"((?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_-]*)+)"},
    {"URIPARAM", R"(\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?[\]<>-]*)"},
    {"URIPATHPARAM", "%{URIPATH}(?:%{URIPARAM})?"},
    {"URI", "%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"},

    {"MONTH",
     R"(\b(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]un(?:e)?|[Jj]ul(?:y)?|[Aa]ug(?:ust)?|[Ss]ep(?:tember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)\b)"},
    {"MONTHNUM", R"((?:0?[1-9]|1[0-2]))"},
    {"MONTHNUM2", R"((?:0[1-9]|1[0-2]))"},
    {"MONTHDAY", R"((?:0[1-9]|[12][0-9]|3[01]|[1-9]))"},
    {"DAY", R"((?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?))"},
    {"YEAR", R"((?:[0-9]{4}|[0-9]{2}))"},
    {"HOUR", R"((?:2[0-3]|[01]?[0-9]))"},
    {"MINUTE", R"((?:[0-5][0-9]))"},
    {"SECOND", R"((?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?))"},
    {"TIME", "%{HOUR}:%{MINUTE}(?::%{SECOND})"},
    {"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
    {"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"},
    {"DATE", "(?:%{DATE_US}|%{DATE_EU})"},
    {"DATESTAMP", "%{DATE}[- ]%{TIME}"},
    {"ISO8601_TIMEZONE", "(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))"},
    {"ISO8601_SECOND", "(?:%{SECOND}|60)"},
    {"TIMESTAMP_ISO8601", "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?"},
    {"TZ", R"((?:[APMCE][SD]T|UTC|GMT))"},
    {"DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"},
    {"DATESTAMP_RFC2822", "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"},
    {"DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"},
    {"DATESTAMP_EVENTLOG", "%{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}"},
    {"HTTPDERROR_DATE", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{YEAR}"},
    {"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"},

    {"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"},
    {"PROG", R"([\x21-\x5a\x5c\x5e-\x7e]+)"},
    {"SYSLOGPROG", R"(%{PROG:program}(?:\[%{POSINT:pid}\])?)"},
    {"SYSLOGHOST", "%{IPORHOST}"},
    {"SYSLOGFACILITY", "<%{NONNEGINT:facility}.%{NONNEGINT:priority}>"},
    {"SYSLOGBASE", "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:"},
    {"SYSLOGLINE", "%{SYSLOGBASE} %{GREEDYDATA:message}"},
    {"COMMONAPACHELOG",
     R"re(%{IPORHOST:clientip} %{NOTSPACE:ident} %{NOTSPACE:auth} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" %{NUMBER:response} (?:%{NUMBER:bytes}|-))re"},
    {"COMBINEDAPACHELOG", "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"},
    {"HTTPD_COMMONLOG", "%{COMMONAPACHELOG}"},
    {"HTTPD_COMBINEDLOG", "%{COMBINEDAPACHELOG}"},
    {"JAVACLASS", R"((?:[a-zA-Z$_][a-zA-Z$_0-9]*\.)*[a-zA-Z$_][a-zA-Z$_0-9]*)"},
    {"LOGLEVEL",
     R"((?i:alert|trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?))"},
};

class Expander {
 public:
  explicit Expander(const GrokOptions& options) : options_(options) {}

  Result<Grok> expand(std::string_view pattern) {
    CLEW_TRY(add(pattern, 0));
    return std::move(out_);
  }

 private:
  Status add(std::string_view pattern, int depth) {
    if (depth > kGrokDepthMax) return Error(Code::kTooLarge, "the grok pattern is nested too deeply");
    bool in_class = false;
    for (size_t at = 0; at < pattern.size();) {
      if (out_.regex.size() > kGrokBytesMax) return Error(Code::kTooLarge, "the grok pattern is too long");
      std::string_view rest = pattern.substr(at);
      if (rest[0] == '\\' && rest.size() > 1) {
        add_escape(rest.substr(0, 2), in_class);
        at += 2;
      } else if (in_class) {
        // `[:alpha:]` has brackets of its own.
        size_t named = rest.starts_with("[:") ? rest.find(":]") : std::string_view::npos;
        size_t bytes = named == std::string_view::npos ? 1 : named + 2;
        in_class = rest[0] != ']';
        out_.regex += rest.substr(0, bytes);
        at += bytes;
      } else if (rest[0] == '[') {
        // A bracket that comes first is one of the class.
        size_t bytes = rest.starts_with("[^") ? 2 : 1;
        if (bytes < rest.size() && rest[bytes] == ']') ++bytes;
        in_class = true;
        out_.regex += rest.substr(0, bytes);
        at += bytes;
      } else if (rest.starts_with("%{")) {
        at += CLEW_TRY(add_part(rest, depth));
      } else if (named_group(rest)) {
        at += add_group(rest);
      } else {
        out_.regex.push_back(pattern[at++]);
      }
    }
    return {};
  }

  // Grok's own engine takes \h for a hexadecimal digit, ours do not know it.
  void add_escape(std::string_view escape, bool in_class) {
    constexpr std::string_view kHexDigits = "0-9A-Fa-f";
    if (escape == "\\h")
      out_.regex.append(in_class ? "" : "[").append(kHexDigits).append(in_class ? "" : "]");
    else if (escape == "\\H" && !in_class)
      out_.regex.append("[^").append(kHexDigits).append("]");
    else
      out_.regex += escape;
  }

  // `%{PART}`, `%{PART:name}`, `%{PART:name:type}`: how many bytes it takes.
  Result<size_t> add_part(std::string_view rest, int depth) {
    size_t close = rest.find('}');
    if (close == std::string_view::npos) return Error(Code::kInvalid, "a `%{` of the grok pattern is not closed");
    std::string_view inner = rest.substr(2, close - 2);
    std::string_view part = take(inner);
    std::string_view name = take(inner);
    std::string_view type = inner;
    auto own_part = options_.definitions.find(part);
    std::string_view regex = own_part == options_.definitions.end() ? grok_part(part) : own_part->second;
    if (regex.empty()) return Error(Code::kInvalid, "there is no grok part " + quoted(part));
    bool own = !name.empty() || (depth == 0 && options_.unnamed);
    if (own)
      out_.regex += "(?P<" + new_field(std::string(name.empty() ? part : name), type) + ">";
    else
      out_.regex += "(?:";
    CLEW_TRY(add(regex, depth + 1));
    out_.regex.push_back(')');
    return close + 1;
  }

  static std::string_view take(std::string_view& text) {
    size_t colon = std::min(text.find(':'), text.size());
    std::string_view out = text.substr(0, colon);
    text.remove_prefix(std::min(colon + 1, text.size()));
    return out;
  }

  static bool named_group(std::string_view rest) {
    size_t at = rest.starts_with("(?<") ? 3 : rest.starts_with("(?P<") ? 4 : 0;
    return at != 0 && at < rest.size() && rest[at] != '=' && rest[at] != '!';
  }

  size_t add_group(std::string_view rest) {
    size_t begin = rest.find('<') + 1;
    size_t end = rest.find('>');
    if (end == std::string_view::npos) {
      out_.regex += rest;
      return rest.size();
    }
    out_.regex += "(?P<" + new_field(std::string(rest.substr(begin, end - begin)), "") + ">";
    return end + 1;
  }

  std::string new_field(std::string name, std::string_view type) {
    GrokField field;
    field.group = "g" + std::to_string(out_.fields.size());
    field.name = std::move(name);
    bool real = type == "float" || type == "double";
    field.type = real ? GrokType::kReal : type == "int" || type == "long" ? GrokType::kInteger : GrokType::kText;
    out_.fields.push_back(field);
    return field.group;
  }

  const GrokOptions& options_;
  Grok out_;
};

}  // namespace

std::string_view grok_part(std::string_view name) {
  for (const Part& part : kParts) {
    if (part.name == name) return part.regex;
  }
  return {};
}

std::vector<std::string_view> grok_part_names() {
  std::vector<std::string_view> out;
  for (const Part& part : kParts) out.push_back(part.name);
  return out;
}

Result<Grok> expand_grok(std::string_view pattern, const GrokOptions& options) {
  if (pattern.size() > kGrokBytesMax) return Error(Code::kTooLarge, "the grok pattern is too long");
  return Expander(options).expand(pattern);
}

}  // namespace clew::text
