#include "scrape/kubernetes_targets.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace clew::scrape {
namespace {

using Json = nlohmann::json;

constexpr const char* kMeta = "__meta_kubernetes_";
const Json kNothing;

// The member of that name; null where there is none.
const Json& at(const Json& object, const char* name) {
  if (!object.is_object()) return kNothing;
  auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

std::string text_at(const Json& object, const char* name) {
  const Json& value = at(object, name);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  return {};
}

// A label's name: what may not stand in one becomes _.
std::string label_name(const std::string& text) {
  std::string name = text;
  for (char& c : name) {
    bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!good) c = '_';
  }
  return name;
}

class Labels {
 public:
  explicit Labels(const char* object) : object_(object) {}
  // __meta_kubernetes_OBJECT_NAME
  void add(const char* name, std::string value) {
    if (!value.empty()) pairs_.emplace_back(std::string(kMeta) + object_ + "_" + name, std::move(value));
  }
  void plain(const char* name, std::string value) {
    if (!value.empty()) pairs_.emplace_back(std::string(kMeta) + name, std::move(value));
  }
  // Labels and annotations of an object.
  void add_metadata(const Json& metadata) {
    add_map(at(metadata, "labels"), "label");
    add_map(at(metadata, "annotations"), "annotation");
  }
  const LabelSet::Pairs& pairs() const { return pairs_; }

 private:
  void add_map(const Json& map, const char* word) {
    if (!map.is_object()) return;
    for (const auto& [name, value] : map.items()) {
      if (!value.is_string()) continue;
      std::string clean = label_name(name);
      add((std::string(word) + "_" + clean).c_str(), value.get<std::string>());
      add((std::string(word) + "present_" + clean).c_str(), "true");
    }
  }
  const char* object_;
  LabelSet::Pairs pairs_;
};

std::string host_of(const std::string& ip) { return ip.find(':') == std::string::npos ? ip : "[" + ip + "]"; }

void append(LabelSet::Pairs& to, const LabelSet::Pairs& more) { to.insert(to.end(), more.begin(), more.end()); }

LabelSet::Pairs pod_labels(const Json& pod) {
  const Json& metadata = at(pod, "metadata");
  const Json& status = at(pod, "status");
  const Json& spec = at(pod, "spec");
  Labels labels("pod");
  labels.add("name", text_at(metadata, "name"));
  labels.add("ip", text_at(status, "podIP"));
  labels.add("phase", text_at(status, "phase"));
  labels.add("node_name", text_at(spec, "nodeName"));
  labels.add("host_ip", text_at(status, "hostIP"));
  labels.add("uid", text_at(metadata, "uid"));
  std::string ready = "unknown";
  for (const Json& condition : at(status, "conditions")) {
    if (text_at(condition, "type") != "Ready") continue;
    ready = text_at(condition, "status");
    std::transform(ready.begin(), ready.end(), ready.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  labels.add("ready", ready);
  for (const Json& owner : at(metadata, "ownerReferences")) {
    if (text_at(owner, "controller") != "true") continue;
    labels.add("controller_kind", text_at(owner, "kind"));
    labels.add("controller_name", text_at(owner, "name"));
  }
  labels.add_metadata(metadata);
  return labels.pairs();
}

LabelSet::Pairs container_labels(const Json& pod, const Json& container, bool init) {
  Labels labels("pod_container");
  std::string name = text_at(container, "name");
  labels.add("name", name);
  labels.add("image", text_at(container, "image"));
  labels.add("init", init ? "true" : "false");
  const Json& status = at(pod, "status");
  for (const Json& one : at(status, init ? "initContainerStatuses" : "containerStatuses")) {
    if (text_at(one, "name") == name) labels.add("id", text_at(one, "containerID"));
  }
  return labels.pairs();
}

LabelSet::Pairs port_labels(const Json& port) {
  Labels labels("pod_container_port");
  labels.add("name", text_at(port, "name"));
  labels.add("number", text_at(port, "containerPort"));
  std::string protocol = text_at(port, "protocol");
  labels.add("protocol", protocol.empty() ? "TCP" : protocol);
  return labels.pairs();
}

using Objects = std::vector<const Json*>;

// Calls take(container, init) for each of a pod.
template <class Take>
void each_container(const Json& pod, Take take) {
  const Json& spec = at(pod, "spec");
  for (const Json& container : at(spec, "initContainers")) take(container, true);
  for (const Json& container : at(spec, "containers")) take(container, false);
}

std::string name_of(const Json& object) {
  const Json& metadata = at(object, "metadata");
  return text_at(metadata, "namespace") + "/" + text_at(metadata, "name");
}

TargetGroup group_of(const Json& object, const std::string& kind) {
  TargetGroup group;
  group.source = kind + "/" + name_of(object);
  std::string name_space = text_at(at(object, "metadata"), "namespace");
  if (!name_space.empty()) group.labels.emplace_back(std::string(kMeta) + "namespace", name_space);
  return group;
}

TargetGroup of_pod(const Json& pod) {
  TargetGroup group = group_of(pod, "pod");
  append(group.labels, pod_labels(pod));
  std::string ip = text_at(at(pod, "status"), "podIP");
  if (ip.empty()) return group;
  each_container(pod, [&](const Json& container, bool init) {
    LabelSet::Pairs common = container_labels(pod, container, init);
    const Json& ports = at(container, "ports");
    if (ports.empty()) {
      common.emplace_back("__address__", host_of(ip));
      group.targets.push_back(std::move(common));
      return;
    }
    for (const Json& port : ports) {
      LabelSet::Pairs labels = common;
      append(labels, port_labels(port));
      labels.emplace_back("__address__", host_of(ip) + ":" + text_at(port, "containerPort"));
      group.targets.push_back(std::move(labels));
    }
  });
  return group;
}

TargetGroup of_node(const Json& node) {
  TargetGroup group = group_of(node, "node");
  const Json& metadata = at(node, "metadata");
  const Json& status = at(node, "status");
  Labels labels("node");
  labels.add("name", text_at(metadata, "name"));
  labels.add("provider_id", text_at(at(node, "spec"), "providerID"));
  labels.add_metadata(metadata);
  std::map<std::string, std::string> addresses;
  for (const Json& address : at(status, "addresses"))
    addresses.emplace(text_at(address, "type"), text_at(address, "address"));
  for (const auto& [type, address] : addresses) labels.add(("address_" + label_name(type)).c_str(), address);
  append(group.labels, labels.pairs());
  for (const char* type : {"InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"}) {
    auto found = addresses.find(type);
    if (found == addresses.end()) continue;
    std::string port = text_at(at(at(status, "daemonEndpoints"), "kubeletEndpoint"), "Port");
    group.targets.push_back({{"__address__", host_of(found->second) + ":" + (port.empty() ? "10250" : port)},
                             {"instance", text_at(metadata, "name")}});
    break;
  }
  return group;
}

LabelSet::Pairs service_labels(const Json& service) {
  Labels labels("service");
  labels.add("name", text_at(at(service, "metadata"), "name"));
  labels.add_metadata(at(service, "metadata"));
  return labels.pairs();
}

TargetGroup of_service(const Json& service) {
  TargetGroup group = group_of(service, "svc");
  append(group.labels, service_labels(service));
  const Json& spec = at(service, "spec");
  const Json& metadata = at(service, "metadata");
  std::string host = text_at(metadata, "name") + "." + text_at(metadata, "namespace") + ".svc";
  for (const Json& port : at(spec, "ports")) {
    Labels labels("service");
    labels.add("port_name", text_at(port, "name"));
    labels.add("port_number", text_at(port, "port"));
    std::string protocol = text_at(port, "protocol");
    labels.add("port_protocol", protocol.empty() ? "TCP" : protocol);
    labels.add("type", text_at(spec, "type"));
    labels.add(text_at(spec, "type") == "ExternalName" ? "external_name" : "cluster_ip",
               text_at(spec, text_at(spec, "type") == "ExternalName" ? "externalName" : "clusterIP"));
    LabelSet::Pairs pairs = labels.pairs();
    pairs.emplace_back("__address__", host + ":" + text_at(port, "port"));
    group.targets.push_back(std::move(pairs));
  }
  return group;
}

// Objects by namespace/name.
using ByName = std::map<std::string, const Json*>;

// The pod behind an address, and of its containers the one with the port.
void add_pod(const Json& address, const std::string& name_space, const std::string& port, const ByName& pods,
             LabelSet::Pairs& labels, std::map<std::string, std::set<std::string>>& seen) {
  const Json& ref = at(address, "targetRef");
  if (text_at(ref, "kind") != "Pod") return;
  auto pod = pods.find(name_space + "/" + text_at(ref, "name"));
  if (pod == pods.end()) return;
  append(labels, pod_labels(*pod->second));
  seen[pod->first].insert(port);
  each_container(*pod->second, [&](const Json& container, bool init) {
    for (const Json& one : at(container, "ports")) {
      if (text_at(one, "containerPort") != port) continue;
      append(labels, container_labels(*pod->second, container, init));
      append(labels, port_labels(one));
    }
  });
}

// Ports of the same pods that the endpoints do not name.
void add_other_ports(const std::map<std::string, std::set<std::string>>& seen, const ByName& pods, TargetGroup& group) {
  for (const auto& [name, ports] : seen) {
    const Json& pod = *pods.at(name);
    std::string ip = text_at(at(pod, "status"), "podIP");
    if (ip.empty()) continue;
    each_container(pod, [&](const Json& container, bool init) {
      for (const Json& port : at(container, "ports")) {
        std::string number = text_at(port, "containerPort");
        if (ports.contains(number)) continue;
        LabelSet::Pairs labels = pod_labels(pod);
        append(labels, container_labels(pod, container, init));
        append(labels, port_labels(port));
        labels.emplace_back("__address__", host_of(ip) + ":" + number);
        group.targets.push_back(std::move(labels));
      }
    });
  }
}

TargetGroup of_endpoints(const Json& endpoints, const ByName& services, const ByName& pods) {
  TargetGroup group = group_of(endpoints, "endpoints");
  Labels own("endpoints");
  own.add("name", text_at(at(endpoints, "metadata"), "name"));
  own.add_metadata(at(endpoints, "metadata"));
  append(group.labels, own.pairs());
  if (auto service = services.find(name_of(endpoints)); service != services.end()) {
    append(group.labels, service_labels(*service->second));
  }
  std::string name_space = text_at(at(endpoints, "metadata"), "namespace");
  std::map<std::string, std::set<std::string>> seen;
  for (const Json& subset : at(endpoints, "subsets")) {
    for (const Json& port : at(subset, "ports")) {
      for (const char* which : {"addresses", "notReadyAddresses"}) {
        for (const Json& address : at(subset, which)) {
          Labels labels("endpoint");
          std::string protocol = text_at(port, "protocol");
          labels.add("port_name", text_at(port, "name"));
          labels.add("port_protocol", protocol.empty() ? "TCP" : protocol);
          labels.add("ready", std::string_view(which) == "addresses" ? "true" : "false");
          labels.add("hostname", text_at(address, "hostname"));
          labels.add("node_name", text_at(address, "nodeName"));
          labels.add("address_target_kind", text_at(at(address, "targetRef"), "kind"));
          labels.add("address_target_name", text_at(at(address, "targetRef"), "name"));
          LabelSet::Pairs pairs = labels.pairs();
          std::string number = text_at(port, "port");
          pairs.emplace_back("__address__", host_of(text_at(address, "ip")) + ":" + number);
          add_pod(address, name_space, number, pods, pairs, seen);
          group.targets.push_back(std::move(pairs));
        }
      }
    }
  }
  add_other_ports(seen, pods, group);
  return group;
}

TargetGroup of_slice(const Json& slice, const ByName& services, const ByName& pods) {
  TargetGroup group = group_of(slice, "endpointslice");
  const Json& metadata = at(slice, "metadata");
  std::string name_space = text_at(metadata, "namespace");
  Labels own("endpointslice");
  own.add("name", text_at(metadata, "name"));
  own.add("address_type", text_at(slice, "addressType"));
  own.add_metadata(metadata);
  append(group.labels, own.pairs());
  std::string service = text_at(at(metadata, "labels"), "kubernetes.io/service-name");
  if (auto found = services.find(name_space + "/" + service); found != services.end()) {
    append(group.labels, service_labels(*found->second));
  }
  std::map<std::string, std::set<std::string>> seen;
  for (const Json& port : at(slice, "ports")) {
    for (const Json& endpoint : at(slice, "endpoints")) {
      for (const Json& address : at(endpoint, "addresses")) {
        if (!address.is_string()) continue;
        Labels labels("endpointslice");
        std::string number = text_at(port, "port");
        labels.add("port", number);
        labels.add("port_name", text_at(port, "name"));
        labels.add("port_protocol", text_at(port, "protocol"));
        const Json& conditions = at(endpoint, "conditions");
        labels.add("endpoint_conditions_ready", text_at(conditions, "ready"));
        labels.add("endpoint_conditions_serving", text_at(conditions, "serving"));
        labels.add("endpoint_conditions_terminating", text_at(conditions, "terminating"));
        labels.add("endpoint_hostname", text_at(endpoint, "hostname"));
        labels.add("endpoint_node_name", text_at(endpoint, "nodeName"));
        labels.add("endpoint_zone", text_at(endpoint, "zone"));
        labels.add("address_target_kind", text_at(at(endpoint, "targetRef"), "kind"));
        labels.add("address_target_name", text_at(at(endpoint, "targetRef"), "name"));
        LabelSet::Pairs pairs = labels.pairs();
        pairs.emplace_back("__address__", host_of(address.get<std::string>()) + ":" + number);
        add_pod(endpoint, name_space, number, pods, pairs, seen);
        group.targets.push_back(std::move(pairs));
      }
    }
  }
  add_other_ports(seen, pods, group);
  return group;
}

ByName by_name(const Objects& objects) {
  ByName out;
  for (const Json* object : objects) out.emplace(name_of(*object), object);
  return out;
}

}  // namespace

std::vector<std::string> kubernetes_kinds(const std::string& role) {
  if (role == "pod") return {"pods"};
  if (role == "node") return {"nodes"};
  if (role == "service") return {"services"};
  if (role == "endpoints") return {"endpoints", "services", "pods"};
  return {"endpointslices", "services", "pods"};
}

std::string kubernetes_path(const std::string& kind, const std::string& name_space) {
  std::string base = kind == "endpointslices" ? "/apis/discovery.k8s.io/v1" : "/api/v1";
  bool everywhere = name_space.empty() || kind == "nodes";
  return base + (everywhere ? "" : "/namespaces/" + name_space) + "/" + kind;
}

std::string kubernetes_continue(const std::string& list) {
  Json json = Json::parse(list, nullptr, false);
  return text_at(at(json, "metadata"), "continue");
}

Result<std::vector<TargetGroup>> kubernetes_targets(const std::string& role,
                                                    const std::map<std::string, std::vector<std::string>>& lists) {
  std::vector<Json> pages;
  for (const auto& [kind, texts] : lists) {
    for (const std::string& text : texts) {
      pages.push_back(Json::parse(text, nullptr, false));
      if (!at(pages.back(), "items").is_array()) {
        return Error(Code::kInvalid, "Kubernetes answers the list of " + kind + " with what is no list");
      }
    }
  }
  std::map<std::string, Objects> objects;
  size_t page = 0;
  for (const auto& [kind, texts] : lists) {
    for (size_t i = 0; i < texts.size(); ++i, ++page) {
      for (const Json& item : at(pages[page], "items")) objects[kind].push_back(&item);
    }
  }
  std::vector<TargetGroup> groups;
  ByName services = by_name(objects["services"]);
  ByName pods = by_name(objects["pods"]);
  for (const Json* object : objects[kubernetes_kinds(role).front()]) {
    TargetGroup group = role == "pod"         ? of_pod(*object)
                        : role == "node"      ? of_node(*object)
                        : role == "service"   ? of_service(*object)
                        : role == "endpoints" ? of_endpoints(*object, services, pods)
                                              : of_slice(*object, services, pods);
    if (!group.targets.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace clew::scrape
