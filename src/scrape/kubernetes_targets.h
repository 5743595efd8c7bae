// Targets out of what Kubernetes' API lists, with the labels that Prometheus gives them.
//
// Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scrape/config.h"

namespace clew::scrape {

// The objects that a role needs, by their kind: "pods", "nodes", "services", "endpoints", "endpointslices",
// "ingresses". The first is the one that makes targets; the others add labels.
std::vector<std::string> kubernetes_kinds(const std::string& role);
// The path of a list of them; of all namespaces where none is named.
std::string kubernetes_path(const std::string& kind, const std::string& name_space);

// `lists` holds the API's answers (PodList and so on), pages of a list behind each other.
// Errors: kInvalid for what is no such answer.
Result<std::vector<TargetGroup>> kubernetes_targets(const std::string& role,
                                                    const std::map<std::string, std::vector<std::string>>& lists);
// Where a list goes on: its metadata.continue. Empty at its end.
std::string kubernetes_continue(const std::string& list);

}  // namespace clew::scrape
