package main

import (
	"context"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/sleep"
)

// patience is how long a run that appends waits for a store that has just failed.
const patience = 5 * time.Second

// outage is what is known of a store that fails. It is safe for concurrent use.
type outage struct {
	journal *journal
	start   time.Time // of the run

	mu     sync.Mutex    // guards what follows
	began  chan struct{} // closed while the last attempt to upload is one that failed
	failed bool
	said   string // the last that was logged

	uploaded int // batches
}

func newOutage(j *journal) *outage {
	return &outage{journal: j, start: j.app.now(), began: make(chan struct{})}
}

// happened records that an upload failed, and logs that if it is news in a run that lasts:
// a short one says at its end what waits, and why. It is a hook.
func (o *outage) happened(f rotatelog.Failed) {
	if f.Retry == 0 { // uploads continue, and the log has it
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.failed {
		o.failed = true
		close(o.began)
	}
	lasting := o.journal.app.now().Sub(o.start) >= time.Minute && (f.Attempt > 1 || f.Permanent)
	if text := causeOf(f.Err); lasting && text != o.said {
		o.said = text
		o.journal.warn("nothing can be uploaded; fetches are kept on disk: %s", text)
	}
}

// over records that a batch was uploaded.
func (o *outage) over() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.uploaded++
	if o.failed {
		o.failed, o.said, o.began = false, "", make(chan struct{})
	}
}

// endSoon ends ctx when the store has failed and does not recover soon.
func (o *outage) endSoon(ctx context.Context, end func()) {
	for {
		o.mu.Lock()
		began := o.began
		o.mu.Unlock()
		select {
		case <-began:
		case <-ctx.Done():
			return
		}
		if sleep.For(ctx, patience) != nil {
			return
		}
		o.mu.Lock()
		failed := o.failed
		o.mu.Unlock()
		if failed {
			end()
			return
		}
	}
}

// endStalled calls end after that time or, if it is patient, when nothing was uploaded for
// that time.
func (o *outage) endStalled(ctx context.Context, wait time.Duration, patient bool, end func()) {
	before := -1
	for n := o.count(); n > before; n = o.count() {
		if sleep.For(ctx, wait) != nil {
			return
		}
		if before = n; !patient {
			break
		}
	}
	end()
}

// count returns how many batches were uploaded.
func (o *outage) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.uploaded
}
