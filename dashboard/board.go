package dashboard

import (
	"context"
	"sync"
	"time"

	"example.com/rotatelog"
)

// pause is the least time between two looks, and the time between two events.
const pause = time.Second

// board has the last look at the streams, for all who want to see it, and sends what has
// changed to those who listen.
type board struct {
	watched *watched
	clock   rotatelog.Clock
	host    string

	mu        sync.Mutex // guards what follows; held for no I/O
	last      *seen
	looking   chan struct{} // closed when the look that is being taken is; nil if none is
	pages     map[string]*page
	listeners map[*listener]struct{}
	watchers  int  // calls of Watch
	loops     bool // somebody looks once a second
	wake      context.CancelFunc
}

func newBoard(w *watched, clock rotatelog.Clock, host string) *board {
	return &board{watched: w, clock: clock, host: host, pages: map[string]*page{}, listeners: map[*listener]struct{}{}}
}

// look returns what was seen less than a second ago, else it looks. However many call it,
// one looks, and if that takes longer than ctx allows, goes on without them.
func (b *board) look(ctx context.Context) (*seen, error) {
	b.mu.Lock()
	if b.last != nil && b.looking == nil {
		if age := b.clock.Now().Sub(b.last.taken); 0 <= age && age < pause {
			defer b.mu.Unlock()
			return b.last, nil
		}
	}
	if b.looking == nil {
		b.looking = make(chan struct{})
		go b.lookNow(b.looking)
	}
	done := b.looking
	b.mu.Unlock()
	select {
	case <-done:
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.last, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (b *board) lookNow(done chan struct{}) {
	s := b.watched.look()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.looking = s, nil
	close(done)
}

// page returns the page that begins with a stream, as it was seen last. It is made once for
// each look.
func (b *board) page(s *seen, stream string) *page {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pageLocked(s, stream)
}

func (b *board) pageLocked(s *seen, stream string) *page {
	p := b.pages[stream]
	if p == nil || p.seen != s {
		p = newPage(s, stream, b.host)
		b.pages[stream] = p
	}
	return p
}

// watch counts one who wants to be kept up to date, until the returned function is called.
func (b *board) watch() (leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers++
	b.start()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.watchers--
		b.stop()
	}
}

// start looks once a second from now on, if nobody does yet. The caller holds mu.
func (b *board) start() {
	if b.loops {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.loops, b.wake = true, cancel
	go b.loop(ctx)
}

// stop ends the loop if nobody needs it. The caller holds mu.
func (b *board) stop() {
	if len(b.listeners) == 0 && b.watchers == 0 && b.wake != nil {
		b.wake()
	}
}

// loop looks once a second while somebody wants to know, and tells them. There is one loop
// at most, also while a disk hangs: a look cannot be interrupted.
func (b *board) loop(ctx context.Context) {
	for {
		err := b.clock.Sleep(ctx, pause)
		if err == nil {
			s, _ := b.look(context.WithoutCancel(ctx))
			b.tell(s)
		}
		b.mu.Lock()
		if len(b.listeners) == 0 && b.watchers == 0 {
			b.loops, b.wake = false, nil
			b.mu.Unlock()
			return
		}
		if ctx.Err() != nil { // somebody came while the loop was about to end
			ctx, b.wake = context.WithCancel(context.Background())
		}
		b.mu.Unlock()
	}
}
