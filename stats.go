package rotatelog

import (
	"sync"
	"time"
)

// Stats are what a Writer has done since Open.
type Stats struct {
	Appended  int // fetches
	Uncounted int // fetches among them whose matches could not be counted
	Sealed    int // batches
	Uploaded  int // batches
	Failed    int // attempts to upload
	Conflicts int // writes that were lost to another Writer of the same key, and made again
	Repaired  int // things in the spool that were repaired

	Day      Day // of the last fetch appended; after Open, of the last in the unfinished batch
	Number   int // its daily fetch number
	Position int // its place in its batch

	Uploading    int       // days that are being uploaded, closed or looked at now
	Pending      int       // batches that waited when the publisher last looked
	LastUploaded time.Time // zero if there was none
	LastError    error     // of the last attempt to upload; nil once one succeeded
}

// Stats returns what the Writer has done since Open. It does no I/O.
func (w *Writer) Stats() Stats {
	w.stats.mu.Lock()
	defer w.stats.mu.Unlock()
	return w.stats.stats
}

// counters are Stats being counted.
type counters struct {
	mu    sync.Mutex
	stats Stats
}

func (c *counters) update(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}
