#include "api/scrape_routes.h"

namespace clew::api {

void add_scrape_routes(ServerParts& parts, scrape::Scraper& scraper, scrape::PushGroups& groups, Router& router) {
  router.add(target_routes(scraper));
  router.add(federate_routes(parts));
  router.add(text_import_routes(parts));
  router.add(pushgateway_routes(groups, parts.metrics));
}

}  // namespace clew::api
