#include "big5_rows.h"

#include <array>

namespace clew::bench {
namespace {

constexpr std::array<std::string_view, 16> kProcesses = {
    "journal", "kernel",  "systemd", "dhclient",         "cron", "sshd", "rsyslogd", "auditd",
    "chronyd", "dockerd", "kubelet", "amazon-ssm-agent", "sudo", "yum",  "ec2net",   "postfix"};
constexpr std::array<std::string_view, 20> kRegions = {
    "us-east-1",      "us-west-2",      "eu-west-1",  "eu-central-1", "us-east-2",
    "ap-southeast-1", "ap-northeast-1", "ap-south-1", "sa-east-1",    "ca-central-1",
    "eu-west-2",      "eu-west-3",      "eu-north-1", "us-west-1",    "ap-southeast-2",
    "ap-northeast-2", "ap-northeast-3", "me-south-1", "af-south-1",   "eu-south-1"};
constexpr std::array<std::string_view, 3> kGroups = {"/var/log/messages", "/var/log/secure", "/var/log/audit"};
constexpr uint64_t kStreams = 2'000;
constexpr uint64_t kAgents = 6'000;

}  // namespace

void Big5Rows::append_message(std::string_view time, std::string_view host, std::string_view process,
                              std::string& out) {
  append_name(out, "message");
  out.push_back('"');
  out += time;
  out += ".000Z ";
  out += host;
  out.push_back(' ');
  out += process;
  if (dice_.chance(0.5)) {
    out.push_back('[');
    append_number(out, static_cast<int64_t>(dice_.below(30'000)));
    out.push_back(']');
  }
  out.push_back(':');
  for (uint64_t words = 4 + dice_.below(8); words > 0; --words) {
    out.push_back(' ');
    append_made_up_name(out, dice_.skewed(kNames));
  }
  out.push_back('"');
}

void Big5Rows::append(std::string& out) {
  int64_t second =
      span_.start_unix_seconds + static_cast<int64_t>(static_cast<double>(count_++) / static_cast<double>(span_.rows) *
                                                      static_cast<double>(span_.seconds));
  std::string_view time = time_.iso(second);
  uint64_t stream = dice_.skewed(kStreams);
  uint64_t agent = dice_.skewed(kAgents);
  std::string_view process = kProcesses[dice_.skewed(kProcesses.size())];
  std::string_view group = kGroups[stream % kGroups.size()];
  std::string host = "ip-10-";
  append_number(host, static_cast<int64_t>(agent / 250));
  host += '-';
  append_number(host, static_cast<int64_t>(agent % 250));
  host += "-17";

  out += "{\"@timestamp\":\"";
  out += time;
  out += ".000Z\"";
  append_message(time, host, process, out);
  append_field(out, "process.name", process);
  append_field(out, "aws.cloudwatch.log_group", group);
  append_name(out, "aws.cloudwatch.log_stream");
  out.push_back('"');
  append_made_up_name(out, mixed(stream));
  out.push_back('"');
  std::string later(ingested_.iso(second + 1 + static_cast<int64_t>(dice_.below(20))));
  later += ".000Z";
  append_field(out, "aws.cloudwatch.ingestion_time", later);
  append_field(out, "cloud.region",
               kRegions[stream % 7 == 0 ? dice_.below(kRegions.size()) : stream % kRegions.size()]);
  append_name(out, "log.file.path");
  out.push_back('"');
  out += group;
  out.push_back('/');
  append_made_up_name(out, mixed(stream));
  out.push_back('"');
  append_name(out, "event.id");
  out.push_back('"');
  append_hex(out, dice_.next(), 16);
  append_hex(out, dice_.next(), 4);
  out.push_back('"');
  append_field(out, "event.dataset", "generic");
  append_field(out, "event.ingested", later);
  append_name(out, "agent.id");
  out.push_back('"');
  append_hex(out, mixed(agent), 8);
  out.push_back('-');
  append_hex(out, mixed(agent) >> 32, 4);
  out += "-4a1b-9c3d-";
  append_hex(out, mixed(agent + 7), 12);
  out.push_back('"');
  append_field(out, "agent.name", host);
  append_field(out, "agent.type", "filebeat");
  append_field(out, "agent.version", agent % 9 == 0 ? "8.7.1" : "8.8.0");
  append_name(out, "agent.ephemeral_id");
  out.push_back('"');
  append_hex(out, mixed(agent * 16 + dice_.below(4)), 16);
  out.push_back('"');
  append_field(out, "data_stream.dataset", "generic");
  append_field(out, "data_stream.namespace", "default");
  append_field(out, "data_stream.type", "logs");
  append_field(out, "input.type", "aws-cloudwatch");
  append_field(out, "metrics.size",
               static_cast<int64_t>(dice_.chance(0.9) ? dice_.below(4'000) : dice_.below(100'000)));
  append_field(out, "metrics.tmin", static_cast<int64_t>(dice_.skewed(20'000)));
  out += "}\n";
}

}  // namespace clew::bench
