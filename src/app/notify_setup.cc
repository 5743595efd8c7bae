#include "app/notify_setup.h"

#include <fmt/format.h>

#include <algorithm>

#include "notify/channel_sender.h"

namespace clew::app {

Result<notify::ConfigPtr> load_notify_config(os::Disk& disk, const NotifyOptions& options, std::string& said) {
  if (options.config_file.empty()) return std::make_shared<const notify::Config>(notify::empty_config());
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(options.config_file, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  if (bytes > notify::kConfigBytesMax) return Error(Code::kTooLarge, options.config_file + " is too large");
  std::string text = CLEW_TRY(file->read_at(0, bytes));
  yaml::Mistakes mistakes;
  notify::Config config = notify::read_config(text, notify::Templates::kNotServed, mistakes);
  auto lines = [&options](yaml::Mistakes& list) {
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    std::string out;
    for (const yaml::Mistake& one : list) {
      out += fmt::format("{}{}:{}: {}", out.empty() ? "" : "\n", options.config_file, one.line, one.message);
    }
    return out;
  };
  if (!mistakes.empty()) return Error(Code::kInvalid, lines(mistakes));
  if (!config.notes.empty()) said += lines(config.notes);
  return std::make_shared<const notify::Config>(std::move(config));
}

Result<std::unique_ptr<notify::Notifier>> start_notifier(const NotifySetupParts& parts, const NotifyOptions& options,
                                                         const std::string& data, std::string& said) {
  notify::ConfigPtr config = CLEW_TRY(load_notify_config(parts.disk, options, said));
  notify::SenderParts sender{
      .disk = parts.disk, .clock = parts.clock, .link_local = options.link_local, .render = nullptr};
  notify::NotifierOptions wanted{.dir = data + "/notify",
                                 .external_url = options.external_url,
                                 .heartbeat_url = options.heartbeat_url,
                                 .heartbeat_ns = options.heartbeat_ms * 1'000'000};
  notify::NotifierParts made{
      .disk = parts.disk, .clock = parts.clock, .rng = parts.rng, .metrics = parts.metrics, .make_sender = [sender] {
        return notify::make_channel_sender(sender);
      }};
  std::unique_ptr<notify::Notifier> notifier =
      CLEW_TRY(notify::Notifier::open(std::move(made), std::move(wanted), std::move(config)));
  if (notifier->damaged_records() > 0) {
    said += fmt::format("{}{}/notify: {} records of alerts and silences are DAMAGED and left out",
                        said.empty() ? "" : "\n", data, notifier->damaged_records());
  }
  notifier->start();
  return notifier;
}

std::string reload_notifier(notify::Notifier& notifier, os::Disk& disk, const NotifyOptions& before,
                            const NotifyOptions& fresh) {
  NotifyOptions same = fresh;
  same.config_file = before.config_file;
  if (!(same == before)) return "alerts: what is no config_file changes at the next start";
  if (fresh.config_file.empty() && before.config_file.empty()) return {};
  std::string said;
  Result<notify::ConfigPtr> config = load_notify_config(disk, fresh, said);
  if (!config.ok()) return "alerts: the configuration before goes on:\n" + config.error().message();
  size_t receivers = (*config)->receivers.size();
  notifier.set_config(std::move(config).take());
  return fmt::format("alerts: {} receivers{}{}", receivers, said.empty() ? "" : "\n", said);
}

}  // namespace clew::app
