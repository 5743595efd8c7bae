#include "collect/container_fields.h"

#include <algorithm>

#include "os/foreign_file.h"
#include "wire/json_cursor.h"

namespace clew::collect {
namespace {

constexpr size_t kIdBytes = 64;
constexpr size_t kConfigBytesMax = 1 << 20;
constexpr size_t kConfigDepthMax = 64;

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string_view take_last(std::string_view& path) {
  size_t slash = path.rfind('/');
  std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  return last;
}

bool is_id(std::string_view text) {
  return text.size() == kIdBytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// app.log, app.log.20261130-100000 as the kubelet rotates, app.log.20261130-100000.gz.
std::string_view stem(std::string_view name) {
  size_t log = name.find(".log");
  return log == std::string_view::npos ? std::string_view() : name.substr(0, log);
}

void add(Fields& fields, std::string_view name, std::string_view value) {
  if (!value.empty()) fields.emplace_back(name, value);
}

// Neither pods nor namespaces have underscores in their names.
Fields of_link(std::string_view name) {
  name = stem(name);
  size_t pod = name.find('_');
  size_t space = pod == std::string_view::npos ? pod : name.find('_', pod + 1);
  if (space == std::string_view::npos || name.size() < kIdBytes + 1 || !is_id(name.substr(name.size() - kIdBytes))) {
    return {};
  }
  std::string_view container = name.substr(space + 1, name.size() - kIdBytes - 1 - (space + 1));
  Fields fields;
  add(fields, "kubernetes.pod.name", name.substr(0, pod));
  add(fields, "kubernetes.namespace", name.substr(pod + 1, space - pod - 1));
  add(fields, "kubernetes.container.name", container);
  add(fields, "container.id", name.substr(name.size() - kIdBytes));
  return fields;
}

Fields of_pod_directory(std::string_view directory, std::string_view container) {
  size_t space = directory.find('_');
  size_t pod = space == std::string_view::npos ? space : directory.find('_', space + 1);
  if (pod == std::string_view::npos) return {};
  Fields fields;
  add(fields, "kubernetes.pod.name", directory.substr(space + 1, pod - space - 1));
  add(fields, "kubernetes.namespace", directory.substr(0, space));
  add(fields, "kubernetes.pod.uid", directory.substr(pod + 1));
  add(fields, "kubernetes.container.name", container);
  return fields;
}

// Adds what the members "Name" and "Config": {"Image"} of the file say.
void add_docker_config(const std::string& path, Fields& fields) {
  Result<std::unique_ptr<os::ForeignFile>> file = os::ForeignFile::open(path);
  if (!file.ok()) return;
  std::string json(kConfigBytesMax, '\0');
  Result<size_t> got = (*file)->read_at(0, json.data(), json.size());
  if (!got.ok()) return;
  json.resize(*got);
  if (!json.starts_with('{') || !wire::check_json(json, kConfigDepthMax).ok()) return;
  std::string buffer;
  wire::JsonCursor cursor(json);
  auto text = [&](std::string_view name) {
    wire::JsonCursor::Token token = cursor.token(buffer);
    if (token.quoted) add(fields, name, token.text.substr(token.text.starts_with('/') ? 1 : 0));
  };
  (void)cursor.peek();
  cursor.enter();
  while (cursor.more()) {
    std::string_view key = cursor.key();
    if (key == "Name" && cursor.is_scalar()) {
      text("container.name");
    } else if (key == "Config" && cursor.peek() == '{') {
      cursor.enter();
      while (cursor.more()) {
        if (cursor.key() == "Image" && cursor.is_scalar()) {
          text("container.image.name");
        } else {
          cursor.skip();
        }
      }
    } else {
      cursor.skip();
    }
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> container_fields(std::string_view path) {
  std::string_view rest = path;
  std::string_view name = take_last(rest);
  std::string_view directories = rest;
  std::string_view parent = take_last(rest), above = take_last(rest), pods = take_last(rest);
  if (name.find("-json.log") == kIdBytes && is_id(name.substr(0, kIdBytes)) && parent == name.substr(0, kIdBytes)) {
    Fields fields;
    add(fields, "container.id", parent);
    add_docker_config(std::string(directories) + "/config.v2.json", fields);
    return fields;
  }
  if (pods == "pods" && !stem(name).empty()) return of_pod_directory(above, parent);
  return parent == "containers" ? of_link(name) : Fields();
}

}  // namespace clew::collect
