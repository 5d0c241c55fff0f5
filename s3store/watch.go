package s3store

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// stalledError is the cause of the end of a request that made no progress.
type stalledError struct{ limit time.Duration }

func (e stalledError) Error() string { return "no byte moved for " + e.limit.String() }

func (stalledError) Timeout() bool { return true }

// stalledOr returns the stalledError if that ended ctx and so caused err.
func stalledOr(ctx context.Context, err error) error {
	if stalled, ok := context.Cause(ctx).(stalledError); ok && err != io.EOF {
		return stalled
	}
	return err
}

// watch calls stalled when, while it is on, nothing progresses for its limit.
type watch struct {
	limit time.Duration
	mu    sync.Mutex // guards on, and that the timer is set with it
	on    bool
	timer *time.Timer
}

func newWatch(limit time.Duration, stalled func()) *watch {
	w := &watch{limit: limit}
	w.timer = time.AfterFunc(limit, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.on {
			stalled()
		}
	})
	w.timer.Stop()
	return w
}

func (w *watch) start() { w.set(true) }

func (w *watch) stop() { w.set(false) }

func (w *watch) set(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on = on; on {
		w.timer.Reset(w.limit)
	} else {
		w.timer.Stop()
	}
}

func (w *watch) progressed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on {
		w.timer.Reset(w.limit)
	}
}

// sentBody is the body of a request. A Read means that everything before it has
// been sent.
type sentBody struct {
	io.ReadCloser
	watch *watch

	mu    sync.Mutex // guards ended, and is held while reading
	ended bool
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.watch.progressed()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, errors.New("the request has been answered")
	}
	return b.ReadCloser.Read(p)
}

// end stops reading: a transport may continue after an early answer, when the bytes
// belong to the caller again.
func (b *sentBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// receivedBody is the body of an answer. It is watched only during a Read: the
// reader may take any time in between.
type receivedBody struct {
	body   io.ReadCloser
	watch  *watch
	ctx    context.Context // of the request, for the cause of its end
	cancel context.CancelCauseFunc
}

func (b *receivedBody) Read(p []byte) (int, error) {
	b.watch.start()
	n, err := b.body.Read(p)
	b.watch.stop()
	if err != nil {
		err = stalledOr(b.ctx, err)
		b.cancel(nil)
	}
	return n, err
}

func (b *receivedBody) Close() error {
	defer b.cancel(nil)
	return b.body.Close()
}
