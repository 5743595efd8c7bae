// ChannelSender speaks the protocols of the channels over HTTP and SMTP.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "net/mail_client.h"
#include "notify/sender.h"
#include "os/disk.h"

namespace clew::notify {

// Expands a template of the configuration.  Errors: kInvalid.
using Render = std::function<Result<std::string>(const std::string& text, const Notification& notification)>;

struct SenderParts {
  os::Disk& disk;  // of files with secrets
  const os::Clock& clock;
  bool link_local = false;  // whether 169.254.0.0/16, fe80::/10 and the like may be called
  Render render;            // null: texts stand as they are
};

// Addresses that only ever belong to the machine's own surroundings, as those that give credentials away to whoever
// asks: link-local ones, also as IPv4 in IPv6, and the metadata service of fd00:ec2::254.
bool is_link_local(std::string_view ip);

// Lifetime: the parts outlive it.
std::unique_ptr<Sender> make_channel_sender(SenderParts parts);

}  // namespace clew::notify
