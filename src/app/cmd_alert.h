// What `clew alert` consists of.
#pragma once

namespace clew::app {

int run_alert_backtest(int argc, char** argv);

}  // namespace clew::app
