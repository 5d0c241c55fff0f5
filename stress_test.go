package rotatelog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestAllMethodsConcurrently calls all methods of a Writer from six goroutines, over
// a server that fails, until it is closed. What was acknowledged is in the store
// once, and nothing waits forever: a deadlock would end the bubble.
func TestAllMethodsConcurrently(t *testing.T) {
	t.Parallel()
	for seed := range uint64(depth.N(2, 6, 60)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) { (&stress{bench: b, rng: rand.New(rand.NewPCG(seed, 1))}).run(seed) })
		})
	}
}

type stress struct {
	*bench
	mu    sync.Mutex // guards what follows
	rng   *rand.Rand
	made  int
	acked map[int]bool
}

func (s *stress) chance(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.IntN(n)
}

func (s *stress) run(seed uint64) {
	srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: 300})
	srv.Fault = s.requestFault
	s.cfg.Store = s3test.NewStore(client, s3test.SmallParts(s3store.Options{}, 300))
	s.cfg = rotatelog.LargeFrom(s.cfg, 300)
	s.cfg.MaxFetches = 1 + int(seed%4)
	s.acked = map[int]bool{}
	s.open()
	w := s.Writer
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for !errors.Is(s.call(w), fs.ErrClosed) {
				time.Sleep(time.Duration(s.chance(1000)) * time.Millisecond)
			}
		})
	}
	time.Sleep(time.Duration(10+s.chance(90)) * time.Second)
	if s.chance(2) == 0 {
		all.Go(func() { w.CloseAppend() })
		time.Sleep(time.Duration(s.chance(10)) * time.Second)
	}
	w.Close() // one at a time: no time passes in a bubble while one waits for the other's lock
	w.Close()
	all.Wait()
	s.mu.Lock()
	s.rng = nil // there are no faults any more
	s.mu.Unlock()
	s.open()
	s.flush()
	s.wantStored(srv)
}

// call calls some method of a Writer.
func (s *stress) call(w *rotatelog.Writer) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(s.chance(3000))*time.Millisecond)
	defer cancel()
	switch s.chance(10) {
	case 0:
		return w.Flush(ctx)
	case 1:
		return w.Drain(ctx)
	case 2:
		return w.Seal(ctx)
	case 3:
		w.Stats()
		return nil
	}
	s.mu.Lock()
	s.made++
	n := s.made
	s.mu.Unlock()
	_, err := w.Append(ctx, counted(n))
	if err == nil {
		s.mu.Lock()
		s.acked[n] = true
		s.mu.Unlock()
	}
	return err
}

func (s *stress) requestFault(fakes3.Op) fakes3.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rng == nil {
		return fakes3.Fault{}
	}
	switch s.rng.IntN(12) {
	case 0:
		return fakes3.Fault{Drop: true, After: true}
	case 1:
		return fakes3.Fault{Delay: time.Duration(s.rng.IntN(50)) * time.Second}
	case 2:
		return fakes3.Fault{Reply: fakes3.Error{Status: 503}}
	}
	return fakes3.Fault{}
}

// wantStored wants each fetch that was acknowledged once, and the others at most once.
func (s *stress) wantStored(srv *fakes3.Server) {
	stored := map[int]int{}
	for _, key := range srv.Keys(s3test.Bucket) {
		if isProbe(key) {
			continue
		}
		for _, u := range s3Day(s.t, srv, key).Uploads {
			for _, fetch := range u.Data {
				var f struct {
					Footer struct {
						Matches int `json:"total_matches"`
					} `json:"FETCH_FOOTER"`
				}
				if err := json.Unmarshal(fetch, &f); err != nil {
					s.t.Fatal(err)
				}
				stored[f.Footer.Matches]++
			}
		}
	}
	if len(s.acked) == 0 {
		s.t.Error("nothing was acknowledged")
	}
	for n := 1; n <= s.made; n++ {
		if s.acked[n] && stored[n] != 1 || stored[n] > 1 {
			s.t.Errorf("fetch %d (acknowledged: %v) is stored %d times", n, s.acked[n], stored[n])
		}
	}
}
