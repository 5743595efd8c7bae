// Target: one page to fetch again and again, with the labels that its samples get.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "net/http_fetcher.h"
#include "scrape/config.h"

namespace clew::scrape {

struct TargetIdentity {
  LabelSet::Pairs discovered;  // before relabelling
  model::Labels labels;        // of its samples: none that begins with __
  std::string url;
  int64_t interval_millis = 0;
  int64_t timeout_millis = 0;

  // What makes it the same target after a reload or another discovery.
  std::string key() const { return url + '\0' + labels.packed(); }
};

// Nothing when a rule drops it. Errors: kInvalid for labels that make no target.
Result<std::optional<TargetIdentity>> identify(const ScrapeConfig& config, const LabelSet::Pairs& discovered);

// The labels of a group's target: those of the group stand behind its own.
LabelSet::Pairs discovered_labels(const LabelSet::Pairs& target, const LabelSet::Pairs& group);

// What is common to every request to such a server. Errors: kNotFound and the like for files of secrets.
Result<net::HttpFetch> request_for(const std::string& url, const HttpAccess& access);

// The Accept header for these protocols of scrape_protocols; none: those that are usual.
std::string accept_header(const ScrapeConfig& config);

}  // namespace clew::scrape
