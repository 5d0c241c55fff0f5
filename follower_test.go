package rotatelog_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// follow returns a reader of the spool that follows it.
func (b *bench) follow(n int) *rotatelog.SpoolFollower {
	b.t.Helper()
	r, err := rotatelog.OpenSpoolReader(rotatelog.OnDisk(b.cfg, b.disk, b.newID))
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := r.Follow(n)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// seen returns what a follower sees, as day, number, position, and matches.
func (b *bench) seen(f *rotatelog.SpoolFollower) (seen []string) {
	b.t.Helper()
	for fetch, err := range f.Fetches() {
		var text struct {
			Footer struct{ Total_matches int } `json:"FETCH_FOOTER"`
		}
		if err == nil {
			err = json.Unmarshal(fetch.Text, &text)
		}
		if err != nil {
			b.t.Fatal(err)
		}
		seen = append(seen, fmt.Sprint(fetch.Day, fetch.Number, fetch.Position, text.Footer.Total_matches))
	}
	return seen
}

// A follower sees each fetch once, wherever the Writer stands when it looks: here it looks
// before each operation of the disk, with and without hard links.
func TestFollowerSeesEachFetchOnce(t *testing.T) {
	for name, disk := range map[string]func(crashfs.Op) error{
		"links": func(crashfs.Op) error { return nil }, "no links": withoutLinks,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.onDisk(disk)
				b.open()
				f := b.follow(0)
				var seen, want []string
				var looking atomic.Bool
				b.onDisk(func(op crashfs.Op) error {
					if op.Mutates && looking.CompareAndSwap(false, true) {
						seen = append(seen, b.seen(f)...)
						looking.Store(false)
					}
					return disk(op)
				})
				n := 0
				add := func(count int) {
					for range count {
						n++
						r := b.append(n)[0]
						want = append(want, fmt.Sprint(r.Day, r.Number, r.Position, n))
					}
				}
				add(23)
				b.flush()
				add(4)
				time.Sleep(17 * time.Hour) // over midnight
				synctest.Wait()
				add(12)
				b.reopen()
				add(9)
				synctest.Wait() // for who is looking
				b.onDisk(disk)
				if rest := b.seen(f); len(rest) > 1 {
					t.Errorf("it had not looked often: %d fetches were left", len(rest))
				} else {
					seen = append(seen, rest...)
				}
				if diff := cmp.Diff(want, seen); diff != "" {
					t.Errorf("(-appended +seen):\n%s", diff)
				}
			})
		})
	}
}

// A follower begins with the last fetches, whatever file they are in.
func TestFollowerBeginsWithTheLast(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		if got := b.seen(b.follow(5)); len(got) > 0 {
			t.Errorf("of an empty spool it sees %q", got)
		}
		var all []string
		for n := 1; n <= 25; n++ {
			r := b.append(n)[0]
			all = append(all, fmt.Sprint(r.Day, r.Number, r.Position, n))
		}
		synctest.Wait()
		for _, n := range []int{0, 1, 4, 5, 6, 15, 16, 24, 25, 99} {
			if got, want := b.seen(b.follow(n)), all[max(0, len(all)-n):]; !slices.Equal(got, want) {
				t.Errorf("the last %d are %q, want %q", n, got, want)
			}
		}
	})
}

// A follower that has missed a batch, which was uploaded and deleted, continues after it.
func TestFollowerContinuesAfterAGap(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.KeepUploaded, b.cfg.KeepFor = -1, -1
		b.open()
		b.append(1)
		f := b.follow(1)
		b.seen(f)
		for range 4 {
			b.append(ten...)
			b.flush()
		}
		b.append(7)
		got := b.seen(f)
		day := rotatelog.DayOf(time.Now(), b.zone())
		if want := fmt.Sprint(day, 42, 1, 7); len(got) < 2 || len(got) > 11 || got[len(got)-1] != want {
			t.Errorf("it sees %q, want the end to be %q", got, want)
		}
		if again := b.seen(f); len(again) > 0 {
			t.Errorf("it sees %q again", again)
		}
	})
}
