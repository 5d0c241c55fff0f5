package prom

import (
	"sync"
	"time"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/spoolwatch"
)

// leastPause is the least time between two readings of a spool.
const leastPause = time.Second

// A reading is what is known of a stream besides its Writer.
type reading struct {
	ok    bool
	facts health.Facts
}

// A reader reads a spool and its disk, no more often than needed.
type reader struct {
	dir   string
	spool *spoolwatch.Watch

	mu   sync.Mutex // guards what follows, and is held while the spool is read
	at   time.Time  // when it was looked at last
	last reading
}

// read returns what the spool and the disk say, as of a second ago at most.
func (r *reader) read(now time.Time) reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now.Sub(r.at); !r.at.IsZero() && 0 <= age && age < leastPause {
		return r.last
	}
	r.at = now
	spool, err := r.spool.Look()
	r.last = reading{ok: err == nil, facts: health.Facts{Spool: spool}}
	if disk, err := health.DiskOf(r.dir); err == nil {
		r.last.facts.Disk = &disk
	}
	return r.last
}
