// A pool of threads that sleep while they wait. Work is cut into items that do not depend on the
// number of threads; whoever is free takes the next one, so a busy neighbour only slows its share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace clearprop {

// Called by the thread that waits for the work, before each of its items and every few milliseconds
// while other threads are busy. Once it returns true, no further item is begun.
using Poll = std::function<bool()>;

// Calls f(item, worker) for item = 0 … n_items − 1 on at most n_threads threads, the caller one of
// them; worker < n_threads numbers the thread, 0 is the caller. Regions of several callers do not
// wait for one another: a caller that finds the pool taken works alone, with the same result. An
// exception of f ends the region and is thrown again in the caller. Returns false if `poll` ended it.
bool parallel_for(int n_threads, int64_t n_items, const std::function<void(int64_t, int)>& f,
                  const Poll& poll = {});

// Notices a fork of the process after the construction, which a signal handler may do while `poll`
// runs. The child has none of the other threads, so work on several threads cannot continue there: a
// region ends as when `poll` returns true, and its caller reports it.
class Forks {
 public:
  explicit Forks(int n_threads);
  bool lost() const;   // whether this is the child of a region with several threads
  void check() const;  // throws std::runtime_error if so

 private:
  bool shared_;
  int before_;
};

int default_threads();  // processors this process may use, cgroup quota respected

// Processors' worth of time that cgroups grant this process, infinity for no limit; `root` is put
// before /proc and /sys.
double cgroup_quota(const std::string& root = "");

}  // namespace clearprop
