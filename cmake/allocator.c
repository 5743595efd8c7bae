/* Settings of jemalloc, read by it at start (jemalloc(3), TUNING). Four arenas keep what threads hold apiece small; pages
   that nobody used for a second go back, so that a burst does not stay in the process' memory. */
const char *malloc_conf = "narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";
