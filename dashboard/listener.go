package dashboard

import "context"

// Listeners is how many may listen to events at a time. Others are refused, and their pages
// try again.
const Listeners = 100

// backlog is how many events wait for a listener before it is dropped.
const backlog = 4

// listener is somebody who has the page open.
type listener struct {
	stream string
	events chan []byte // shared by all who look at the stream: nobody changes what it sends
	shown  *page       // what the events sent so far amount to
	gone   chan struct{}
}

// listen adds a listener, whose first event has all there is. It returns nil if there are
// too many.
func (b *board) listen(ctx context.Context, stream string) (*listener, error) {
	s, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.listeners) >= Listeners {
		return nil, nil
	}
	l := &listener{stream: stream, events: make(chan []byte, backlog), shown: b.pageLocked(s, stream), gone: make(chan struct{})}
	l.events <- l.shown.event(nil)
	b.listeners[l] = struct{}{}
	b.start()
	return l, nil
}

// leave ends listening.
func (b *board) leave(l *listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(l)
	b.stop()
}

// drop removes a listener, if that was not done already. The caller holds mu.
func (b *board) drop(l *listener) {
	if _, ok := b.listeners[l]; ok {
		delete(b.listeners, l)
		close(l.gone)
	}
}

// tell sends what has changed to all listeners, and forgets the pages that nobody sees. Who
// has not read the last few events is dropped, and its browser connects again.
func (b *board) tell(s *seen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	type change struct{ from, to *page }
	events := map[change][]byte{}
	used := map[string]bool{}
	for l := range b.listeners {
		now := b.pageLocked(s, l.stream)
		used[l.stream] = true
		event, ok := events[change{l.shown, now}]
		if !ok {
			event = now.event(l.shown)
			events[change{l.shown, now}] = event
		}
		select {
		case l.events <- event:
			l.shown = now
		default:
			b.drop(l)
		}
	}
	for stream := range b.pages {
		if !used[stream] {
			delete(b.pages, stream)
		}
	}
}
