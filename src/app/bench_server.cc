#include "app/bench_server.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace clew::app {
namespace {

constexpr size_t kReadyLineBytesMax = 64 << 10;

Error system_error(const char* what) { return Error(Code::kIo, std::string(what) + ": " + std::strerror(errno)); }

// Spawns this program as `clew serve`, its standard output at `output`.
Result<pid_t> spawn_serve(const std::string& data, int output) {
  std::string program = "/proc/self/exe";
  std::string arguments[] = {"clew",        "serve",       "--data",      data,          "--listen",
                             "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (data + ".log").c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  pid_t process = 0;
  int failed = posix_spawn(&process, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  errno = failed;
  if (failed != 0) return system_error("starting clew serve");
  return process;
}

}  // namespace

Result<std::unique_ptr<BenchServer>> BenchServer::start(const std::string& dir) {
  std::error_code failed;
  std::string below = dir.empty() ? std::filesystem::temp_directory_path(failed).string() : dir;
  std::string made = below + "/clew-bench-XXXXXX";
  if (mkdtemp(made.data()) == nullptr) return system_error(("a directory in " + below).c_str());
  std::unique_ptr<BenchServer> server(new BenchServer());
  server->dir_ = made;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("a pipe");
  server->output_ = ends[0];
  Result<pid_t> process = spawn_serve(made + "/data", ends[1]);
  close(ends[1]);
  if (!process.ok()) return std::move(process).error();
  server->process_ = *process;
  CLEW_TRY(server->wait_ready());
  return server;
}

Status BenchServer::wait_ready() {
  std::string line;
  char c = 0;
  while (line.size() < kReadyLineBytesMax && read(output_, &c, 1) == 1 && c != '\n') line.push_back(c);
  auto ready = nlohmann::json::parse(line, nullptr, false);
  if (ready.is_object() && ready.contains("listening") && ready["listening"].contains("http")) {
    url_ = "http://" + ready["listening"]["http"].get<std::string>();
    return {};
  }
  std::ifstream log(dir_ + "/data.log");
  std::stringstream said;
  said << log.rdbuf();
  return Error(Code::kUnavailable, "the server did not start: " + said.str().substr(0, 500));
}

BenchServer::~BenchServer() {
  if (process_ > 0) {
    kill(process_, SIGTERM);
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (output_ >= 0) close(output_);
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

Result<double> BenchServer::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(process_) + "/stat");
  std::string line;
  std::getline(file, line);
  size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return Error(Code::kIo, "no /proc/PID/stat");
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  double ticks = 0;
  for (int i = 0; i < 13 && fields >> field; ++i) {
    if (i == 11 || i == 12) ticks += std::stod(field);  // utime and stime
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

uint64_t BenchServer::disk_bytes() const {
  uint64_t bytes = 0;
  std::error_code failed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/data", failed)) {
    struct stat info {};
    if (lstat(entry.path().c_str(), &info) == 0) bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace clew::app
