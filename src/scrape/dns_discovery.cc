#include "scrape/dns_discovery.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>

#include <array>
#include <chrono>

namespace clew::scrape {
namespace {

constexpr size_t kAnswerBytesMax = 64 << 10;
constexpr auto kIdleWait = std::chrono::seconds(1);
constexpr int kTries = 2, kTrySeconds = 3;

struct ResolverState {
  ResolverState() { ready = res_ninit(&state) == 0; }
  ~ResolverState() {
    if (ready) res_nclose(&state);
  }
  ResolverState(const ResolverState&) = delete;
  ResolverState& operator=(const ResolverState&) = delete;
  struct __res_state state {};
  bool ready = false;
};

ns_type type_of(const std::string& name) { return name == "A" ? ns_t_a : name == "AAAA" ? ns_t_aaaa : ns_t_srv; }

uint16_t read16(const unsigned char* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

// HOST and PORT of a record; false for another kind of record.
bool read_record(ns_msg& message, const ns_rr& record, ns_type wanted, std::string& host, uint16_t& port) {
  if (ns_rr_type(record) != wanted) return false;
  const unsigned char* data = ns_rr_rdata(record);
  size_t bytes = ns_rr_rdlen(record);
  std::array<char, NS_MAXDNAME> text{};
  if (wanted == ns_t_srv) {
    constexpr size_t kHeadBytes = 6;  // priority, weight, port
    if (bytes <= kHeadBytes) return false;
    port = read16(data + 4);
    if (dn_expand(ns_msg_base(message), ns_msg_end(message), data + kHeadBytes, text.data(), text.size()) < 0)
      return false;
    host = text.data();
    return true;
  }
  int family = wanted == ns_t_a ? AF_INET : AF_INET6;
  if (bytes != (wanted == ns_t_a ? 4U : 16U)) return false;
  if (inet_ntop(family, data, text.data(), text.size()) == nullptr) return false;
  host = wanted == ns_t_a ? text.data() : "[" + std::string(text.data()) + "]";
  return true;
}

}  // namespace

DnsDiscovery::DnsDiscovery(const DiscoveryConfig& config, DnsResolver resolver, Found found)
    : config_(config),
      resolver_(std::move(resolver)),
      found_(std::move(found)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {
  pthread_setname_np(thread_.native_handle(), "clew-dns");
}

DnsDiscovery::~DnsDiscovery() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void DnsDiscovery::poll() {
  base::MutexLock lock(mutex_);
  wanted_ = true;
  wake_.notify_all();
}

void DnsDiscovery::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      base::MutexLock lock(mutex_);
      if (!wanted_) {
        wake_.wait_for(mutex_, kIdleWait);
        continue;
      }
      wanted_ = false;
    }
    std::vector<TargetGroup> groups;
    Status failed;
    for (const std::string& name : config_.names) {
      Result<TargetGroup> group = look_up(name);
      if (!group.ok())
        failed = group.error();
      else
        groups.push_back(std::move(*group));
    }
    if (!failed.ok())
      found_(failed.error());
    else
      found_(std::move(groups));
  }
}

Result<TargetGroup> DnsDiscovery::look_up(const std::string& name) const {
  ResolverState resolver;
  if (!resolver.ready) return Error(Code::kIo, "the system's resolver cannot be set up");
  resolver.state.retry = kTries;
  resolver.state.retrans = kTrySeconds;
  if (!resolver_.server.empty()) {
    resolver.state.nscount = 1;
    resolver.state.nsaddr_list[0] = {};
    resolver.state.nsaddr_list[0].sin_family = AF_INET;
    resolver.state.nsaddr_list[0].sin_port = htons(resolver_.port);
    inet_pton(AF_INET, resolver_.server.c_str(), &resolver.state.nsaddr_list[0].sin_addr);
  }
  ns_type wanted = type_of(config_.record_type);
  std::vector<unsigned char> answer(kAnswerBytesMax);
  int bytes =
      res_nsearch(&resolver.state, name.c_str(), ns_c_in, wanted, answer.data(), static_cast<int>(answer.size()));
  TargetGroup group;
  group.source = name;
  if (bytes < 0 && (resolver.state.res_h_errno == HOST_NOT_FOUND || resolver.state.res_h_errno == NO_DATA))
    return group;
  if (bytes < 0) return Error(Code::kUnavailable, "DNS does not answer for " + quoted(name));
  ns_msg message{};
  if (ns_initparse(answer.data(), std::min(bytes, static_cast<int>(answer.size())), &message) != 0) {
    return Error(Code::kInvalid, "DNS answers " + quoted(name) + " with what is no answer");
  }
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) break;
    std::string host;
    uint16_t port = config_.port;
    if (!read_record(message, record, wanted, host, port)) continue;
    LabelSet::Pairs labels = {{"__meta_dns_name", name}};
    if (wanted == ns_t_srv) {
      labels.emplace_back("__meta_dns_srv_record_target", host + ".");
      labels.emplace_back("__meta_dns_srv_record_port", std::to_string(port));
    }
    labels.emplace_back("__address__", host + ":" + std::to_string(port));
    group.targets.push_back(std::move(labels));
  }
  return group;
}

}  // namespace clew::scrape
