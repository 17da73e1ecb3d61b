// A pool of threads that sleep while they wait. Work is cut into items that do not depend on the
// number of threads; whoever is free takes the next one, so a busy neighbour only slows its share.
#pragma once

#include <cstdint>
#include <functional>

namespace clearprop {

// Calls f(item, worker) for item = 0 … n_items − 1 on at most n_threads threads, the caller one of
// them; worker < n_threads numbers the thread. Regions of several callers do not wait for one
// another: whoever finds the pool taken works alone, with the same result.
void parallel_for(int n_threads, int64_t n_items, const std::function<void(int64_t, int)>& f);

int default_threads();            // processors this process may use, cgroup quota respected

}  // namespace clearprop
