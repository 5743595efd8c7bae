// FileSource: the files that some patterns name, followed as they grow, are renamed, cut, compressed and removed; their
// lines go to the queue as encoded batches, each with the places that the files had then.
//
// Invariants:
//   F1. A batch and the places of its files become durable together: after a crash a file goes on exactly behind the
//       last line that is in the queue.
//   F2. What was cut away before it was read is lost (copytruncate leaves such a moment); nothing else is.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "collect/batch_maker.h"
#include "collect/file_place.h"
#include "collect/source.h"
#include "collect/tailed_file.h"
#include "contract/queue.h"
#include "os/clock.h"
#include "os/foreign_file.h"
#include "process/line_parser.h"
#include "text/encoding.h"

namespace clew::collect {

struct FileSourceOptions {
  BatchOptions batch;                      // its places are kept under the source's name
  std::vector<std::string> patterns;       // of a shell
  std::vector<std::string> exclude;        // patterns of whole paths
  std::optional<process::Format> format;   // none: each file's own, detected
  std::optional<text::Encoding> encoding;  // none: each file's own, by its mark
  process::JoinRule join;                  // of the user's; none: the format's own
  bool from_end = false;                   // of files that are there when the source first runs
  size_t line_bytes_max = process::kLineBytesMax;
  uint64_t event_wait_nanos = 500'000'000;      // for further lines of the last event of a file of plain lines
  uint64_t close_after_nanos = 60'000'000'000;  // a file that is gone is let go when it has not grown for so long
  uint64_t scan_nanos = 1'000'000'000;          // how often the patterns are looked at when nothing tells of changes
};

// Threads:  run() has one of its own; stop() on any thread.
// Lifetime: queue, clock and metrics outlive it.
class FileSource final : public Source {
 public:
  FileSource(FileSourceOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);
  ~FileSource() override;

  const std::string& name() const override { return options_.batch.source; }

  // Reads until stop(). What was read and is not in the queue then is read again by the next run.
  // Errors: kCorrupt for places that are none; what the queue gives when it is closed.
  Status run() override;
  // One round of run(): looks at the names, reads what there is, and appends it.
  Status read_once();
  void stop() override;

 private:
  struct Tail;
  using Tails = std::map<os::FileId, std::unique_ptr<Tail>>;

  Status load_places();
  void scan();
  void open_file(const std::string& path);
  FilePlace start_place(const os::ForeignFile& file, const os::FileInfo& info, const std::string& path);
  std::optional<FilePlace> known_place(const os::ForeignFile& file, const os::FileInfo& info,
                                       const std::string& path) const;
  void forget_inode(const os::FileId& id, uint64_t offset);
  bool may_become_copy(const std::string& path, const os::FileInfo& info);
  void close_events_of(const os::ForeignFile& file, const os::FileInfo& info, const std::string& path);
  bool copy_of_open(const std::string& path, const os::ForeignFile& file, const os::FileInfo& info);
  void add_tail(TailedFile file, const FilePlace& place);
  bool excluded(const std::string& path) const;
  Result<bool> read_all();
  Result<bool> read_tail(Tail& tail);
  void attach(Tail& tail);
  void take_event(Tail& tail, const FileEvent& event);
  void collect_fields(const Tail& tail, std::string_view stream);
  void detect_format(Tail& tail, const os::FileInfo& info);
  void end_events();
  void let_go();
  void end_lines(Tail& tail);
  Status flush();
  Status flush_if_due();
  Status unless_stopped_by_a_full_queue(Status flushed) const;
  std::string key_of(const FilePlace& place) const;
  void put_place(const FilePlace& place);
  void end_place(FilePlace place);
  void drop_place(const std::string& key);
  bool stopping() const { return stop_.load(std::memory_order_relaxed); }

  const FileSourceOptions options_;
  contract::Queue& queue_;
  const os::Clock& clock_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<os::DirWatcher> watcher_;
  Tails tails_;
  std::map<std::string, FilePlace> places_;     // by the queue's key, as they will be after the next flush
  std::map<std::string, std::string> changed_;  // of them, what the queue does not know yet
  // A copy of a file that is followed, which waits for that to be cut.
  struct Copy {
    os::FileId of;
    uint64_t since_ns = 0;
    std::optional<uint64_t> offset;  // where it is begun, once that is known
  };
  std::map<std::string, Copy> copies_;       // by path
  std::map<std::string, uint64_t> empties_;  // files that may become copies, and when they were first seen empty
  BatchMaker maker_;
  std::vector<EventField> fields_;  // of the event being taken
  uint64_t scans_ = 0;
  uint64_t scanned_ns_ = 0;
  bool first_run_ = false;

  base::Counter& bytes_read_;
  base::Counter& files_cut_;
  base::Counter& errors_;
};

}  // namespace clew::collect
