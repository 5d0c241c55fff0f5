package rotatelog

import "sync/atomic"

// syncs are the syncs of pending/ by all parts of this program, one at a time. A sync
// that fails takes away what it should have made durable: a later one may succeed without
// it. So whoever changes a name there must know whether any sync has failed since, also
// one of another part.
type syncs struct {
	turn   chan struct{} // holds a value while a sync runs
	failed atomic.Int64
}

func newSyncs() *syncs { return &syncs{turn: make(chan struct{}, 1)} }

// do calls sync when it is its turn.
func (s *syncs) do(sync func() error) error {
	s.turn <- struct{}{}
	err := sync()
	if err != nil {
		s.failed.Add(1)
	}
	<-s.turn
	return err
}

// failures returns how many have failed so far.
func (s *syncs) failures() int64 { return s.failed.Load() }
