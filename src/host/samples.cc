#include "host/samples.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace clew::host {
namespace {

constexpr double kExactInteger = 9007199254740992.0;  // 2^53

void append_number(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (value == std::floor(value) && std::fabs(value) < kExactInteger) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<int64_t>(value));
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

// Of a help text or a label's value.
void append_escaped(std::string_view text, bool quotes, std::string& out) {
  for (char c : text) {
    if (c == '\\' || (quotes && c == '"')) out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
}

std::string_view type_name(FamilyType type) {
  switch (type) {
    case FamilyType::kCounter: return "counter";
    case FamilyType::kUntyped: return "untyped";
    case FamilyType::kGauge: break;
  }
  return "gauge";
}

}  // namespace

void Samples::clear() {
  text_.clear();
  families_.clear();
  samples_.clear();
  labels_.clear();
}

Samples::Piece Samples::keep(std::string_view text) {
  Piece piece{static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text.size())};
  text_.append(text);
  return piece;
}

void Samples::family(std::string_view name, FamilyType type, std::string_view help) {
  Piece kept_name = keep(name);
  families_.push_back({kept_name, keep(help), type, static_cast<uint32_t>(samples_.size())});
}

void Samples::add(double value, std::span<const Label> labels) {
  samples_.push_back({value, static_cast<uint32_t>(labels_.size())});
  for (const Label& label : labels) {
    Piece name = keep(label.name);
    labels_.push_back({name, keep(label.value)});
  }
}

void append_prometheus(const Samples& samples, std::string& out) {
  std::string_view family;
  samples.visit(
      [&](std::string_view name, FamilyType type, std::string_view help) {
        family = name;
        out.append("# HELP ").append(name).append(" ");
        append_escaped(help, false, out);
        out.append("\n# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
      },
      [&](std::span<const Label> labels, double value) {
        out.append(family);
        for (size_t i = 0; i < labels.size(); ++i) {
          out.append(i == 0 ? "{" : ",").append(labels[i].name).append("=\"");
          append_escaped(labels[i].value, true, out);
          out.push_back('"');
        }
        out.append(labels.empty() ? " " : "} ");
        append_number(value, out);
        out.push_back('\n');
      });
}

}  // namespace clew::host
