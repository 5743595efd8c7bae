// What the path of a container's log tells of the container.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::collect {

// Fields of every event of the file; none where the path is no container's:
//   /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log, /var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log (Kubernetes),
//   /var/lib/docker/containers/ID/ID-json.log, beside which Docker keeps the container's name and image.
// The directories above these names do not count. Reads Docker's config.v2.json where it may.
std::vector<std::pair<std::string, std::string>> container_fields(std::string_view path);

}  // namespace clew::collect
