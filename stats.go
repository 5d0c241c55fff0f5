package rotatelog

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stats are what a Writer has done since Open.
type Stats struct {
	Appended   int // fetches
	Refused    int // Appends that returned an error, for whatever reason
	Duplicates int // Appends of fetches that were on disk already: see Config.Identity
	Uncounted  int // fetches among those appended whose matches could not be counted
	Sealed     int // batches
	Uploaded   int // batches
	Failed     int // attempts to upload
	Conflicts  int // writes that were lost to another Writer of the same key, and made again
	Repaired   int // things in the spool that were repaired

	Matches    int64          // of the fetches appended
	RefusedFor map[string]int // Refused, by reason, as in DayCounts.Refused
	Attempts   int            // to upload, with and without success

	Day      Day // of the last fetch appended; after Open, of the last in the unfinished batch
	Number   int // its daily fetch number
	Position int // its place in its batch

	LastAppended time.Time // zero if there was no fetch
	Uploading    int       // days that are being uploaded, closed or looked at now
	LastUploaded time.Time // zero if there was none
	LastError    error     // of the last attempt to upload, or to look at today's object; nil once one succeeded

	// What waited for the store when the publisher last looked into the spool.
	Pending       int       // batches
	PendingBytes  int64     // of their files, which are larger than what is uploaded unless Config.Verbatim is set
	OldestPending time.Time // when the first of them was sealed; zero if none waits
}

// Stats returns what the Writer has done since Open. It does no I/O.
func (w *Writer) Stats() Stats {
	w.stats.mu.Lock()
	defer w.stats.mu.Unlock()
	stats := w.stats.stats
	stats.RefusedFor = maps.Clone(stats.RefusedFor)
	for _, b := range w.stats.pending {
		stats.Pending++
		stats.PendingBytes += b.size
		if stats.OldestPending.IsZero() || b.sealed.Before(stats.OldestPending) {
			stats.OldestPending = b.sealed
		}
	}
	return stats
}

// counters are Stats being counted.
type counters struct {
	mu      sync.Mutex // guards what follows
	stats   Stats      // without what follows from pending
	pending map[string]pendingBatch
	adopted map[string]counts // of batches that an earlier Writer has counted, by id

	// When the append semaphore was given up last.
	progress   progress // of the batch being filled
	unfinished unfinishedBatch

	ticks     int     // the last number that tick returned
	look      DayLook // the last at the object of a day that was today
	looked    int     // the number of that look
	lookError error   // of the first look, until it succeeds
}

// pendingBatch is what is known of a batch that waits.
type pendingBatch struct {
	batch
	size     int64  // of its file, in bytes; 0 if that is not known yet
	tally    counts // of its fetches, as far as they were counted
	inObject bool   // it was seen in the day's object
	added    int    // the tick when it was sealed, if this Writer has sealed it
}

// setPending records which batches wait, as listed after a tick. size returns the size of
// one that was not known.
func (c *counters) setPending(tick int, batches []batch, size func(batch) int64) {
	pending := make(map[string]pendingBatch, len(batches))
	c.mu.Lock()
	adopted := c.adopted
	for _, b := range batches {
		if known, ok := c.pending[b.id]; ok {
			pending[b.id] = known
		}
	}
	c.mu.Unlock()
	for _, b := range batches {
		known, listed := pending[b.id]
		if !listed {
			known.tally = adopted[b.id]
		}
		if known.batch = b; known.size == 0 {
			known.size = size(b)
		}
		pending[b.id] = known
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, b := range c.pending {
		if old, listed := pending[id]; listed { // what was learned meanwhile
			b.size = old.size
			pending[id] = b
		} else if b.added > tick { // it was sealed meanwhile
			pending[id] = b
		}
	}
	c.pending = pending
}

// adoptWaiting takes over what an earlier Writer knew of the batches that wait.
func (c *counters) adoptWaiting(waiting []WaitingState) {
	adopted := make(map[string]counts, len(waiting))
	for _, b := range waiting {
		adopted[b.ID] = counts{b.Fetches, b.Matches}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.adopted = adopted
}

// maxWaiting is of how many batches at most the next Writer hears what they count: a day
// of fetches a minute has half as many.
const maxWaiting = 300

// waiting returns what is known of the batches of a day that wait.
func (c *counters) waiting(day Day) []WaitingState {
	c.mu.Lock()
	defer c.mu.Unlock()
	var waiting []WaitingState
	for id, b := range c.pending {
		if b.day == day && b.tally.fetches > 0 {
			waiting = append(waiting, WaitingState{id, b.tally.fetches, b.tally.matches})
		}
	}
	if len(waiting) > maxWaiting {
		return nil
	}
	slices.SortFunc(waiting, func(a, b WaitingState) int { return strings.Compare(a.ID, b.ID) })
	return waiting
}

// setTally records what the fetches of a batch count.
func (c *counters) setTally(id string, tally counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.pending[id]; ok {
		b.tally = tally
		c.pending[id] = b
	}
}

// removePending records that a batch does not wait any longer.
func (c *counters) removePending(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// refused counts an Append that returned an error.
func (c *counters) refused(reason string) {
	c.update(func(s *Stats) {
		if s.RefusedFor == nil {
			s.RefusedFor = map[string]int{}
		}
		s.Refused++
		s.RefusedFor[reason]++
	})
}

func (c *counters) update(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}
