#include "scrape/kubernetes_targets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scrape/target.h"

namespace clew::scrape {
namespace {

constexpr const char* kPods = R"({"items": [{
  "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
  "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "web:1",
           "ports": [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9090, "protocol": "TCP"}]}]},
  "status": {"podIP": "10.0.0.7", "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}]})";
constexpr const char* kServices = R"({"items": [{
  "metadata": {"name": "web", "namespace": "shop", "annotations": {"prometheus.io/scrape": "true"}},
  "spec": {"type": "ClusterIP", "clusterIP": "10.1.0.1", "ports": [{"name": "http", "port": 80}]}}]})";
constexpr const char* kEndpoints = R"({"items": [{
  "metadata": {"name": "web", "namespace": "shop"},
  "subsets": [{"ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
               "addresses": [{"ip": "10.0.0.7", "nodeName": "n1", "targetRef": {"kind": "Pod", "name": "web-1"}}],
               "notReadyAddresses": [{"ip": "fd00::1"}]}]}]})";

using Lists = std::map<std::string, std::vector<std::string>>;

// The wanted labels of each target, without their common begin.
std::string found(const std::string& role, const Lists& lists, const std::vector<std::string>& wanted) {
  Result<std::vector<TargetGroup>> groups = kubernetes_targets(role, lists);
  if (!groups.ok()) return groups.error().message();
  std::string out;
  for (const TargetGroup& group : *groups) {
    for (const auto& target : group.targets) {
      LabelSet labels(discovered_labels(target, group.labels));
      out += labels.get("__address__");
      for (const std::string& name : wanted) out.append(" ").append(labels.get("__meta_kubernetes_" + name));
      out += '\n';
    }
  }
  return out;
}

TEST(KubernetesTargets, Pods) {
  EXPECT_EQ(found("pod", {{"pods", {kPods}}},
                  {"namespace", "pod_name", "pod_label_app", "pod_labelpresent_app", "pod_container_port_name",
                   "pod_container_port_protocol", "pod_ready"}),
            "10.0.0.7:8080 shop web-1 web true http TCP true\n10.0.0.7:9090 shop web-1 web true admin TCP true\n");
}

TEST(KubernetesTargets, EndpointsKnowTheirServiceAndPods) {
  Lists lists = {{"endpoints", {kEndpoints}}, {"services", {kServices}}, {"pods", {kPods}}};
  EXPECT_EQ(found("endpoints", lists,
                  {"endpoint_port_name", "endpoint_ready", "service_name", "service_annotation_prometheus_io_scrape",
                   "pod_name", "pod_container_name"}),
            "10.0.0.7:8080 http true web true web-1 web\n[fd00::1]:8080 http false web true  \n"
            "10.0.0.7:9090   web true web-1 web\n");  // a port of the pod that the endpoints do not name
}

TEST(KubernetesTargets, SlicesServicesAndNodes) {
  const char* slices =
      R"({"items": [{"metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": true}, "targetRef": {"kind": "Pod", "name": "web-1"}}]}]})";
  Lists lists = {{"endpointslices", {slices}}, {"services", {kServices}}, {"pods", {kPods}}};
  EXPECT_EQ(found("endpointslice", lists, {"endpointslice_endpoint_conditions_ready", "service_name", "pod_name"}),
            "10.0.0.7:8080 true web web-1\n10.0.0.7:9090  web web-1\n");
  EXPECT_EQ(found("service", {{"services", {kServices}}}, {"service_port_name", "service_type", "service_cluster_ip"}),
            "web.shop.svc:80 http ClusterIP 10.1.0.1\n");
  const char* nodes = R"({"items": [{"metadata": {"name": "n1", "labels": {"zone": "a"}},
    "status": {"addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.9.0.1"}],
               "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}}]})";
  EXPECT_EQ(found("node", {{"nodes", {nodes}}}, {"node_name", "node_label_zone", "node_address_Hostname"}),
            "10.9.0.1:10250 n1 a n1\n");
}

TEST(KubernetesTargets, WhatIsNoListIsTold) {
  EXPECT_EQ(found("pod", {{"pods", {"{}"}}}, {}), "Kubernetes answers the list of pods with what is no list");
  EXPECT_EQ(found("pod", {{"pods", {"<html>"}}}, {}), "Kubernetes answers the list of pods with what is no list");
  EXPECT_EQ(found("pod", {{"pods", {R"({"items": [1, {"metadata": 5, "status": []}]})"}}}, {}), "");
}

}  // namespace
}  // namespace clew::scrape
