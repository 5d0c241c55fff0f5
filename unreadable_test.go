package rotatelog_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// keepThree uploads a, b and c, each in a batch of its own, closes the Writer, and returns
// the path of the batch of b. What is repaired from now on is collected.
func keepThree(b *bench) (ofB string, repaired *[]rotatelog.Repaired) {
	b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
	repaired = new([]rotatelog.Repaired)
	b.cfg.Hooks.Repaired = func(r rotatelog.Repaired) { *repaired = append(*repaired, r) }
	b.open()
	for _, id := range []string{"a", "b", "c"} {
		b.appendID(id)
		b.flush()
	}
	if err := b.Close(); err != nil {
		b.t.Fatal(err)
	}
	return uploadedDir + b.uploaded()[1], repaired
}

// failsToRead has a file give EIO, as a broken sector does, and returns how often it was
// read.
func (b *bench) failsToRead(file string) *atomic.Int32 {
	n := new(atomic.Int32)
	b.onDisk(func(op crashfs.Op) error {
		if op.Kind == "ReadAt" && op.Name == file {
			n.Add(1)
			return syscall.EIO
		}
		return nil
	})
	return n
}

// refusedFor appends a fetch again and again, each time by another Writer if each says so,
// until it is stored, and returns how long that took and its receipt.
func (b *bench) refusedFor(id, file string, each bool) (time.Duration, rotatelog.Receipt) {
	b.t.Helper()
	begun := time.Now()
	for {
		r, err := b.Append(b.t.Context(), withID(id))
		if err == nil {
			return time.Since(begun), r
		}
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), file) {
			b.t.Errorf("append %s: %v", id, err)
		}
		if time.Since(begun) > time.Hour {
			b.t.Fatalf("%s is still refused", id)
		}
		time.Sleep(time.Minute)
		if each {
			b.reopen()
		}
	}
}

// One confirmed batch that the disk cannot read has new fetches refused for a while, but
// not for ever, be it by one Writer or by one for each fetch. That is reported once. Then
// nobody asks for it any more.
func TestBrokenSectorOfAKeptBatch(t *testing.T) {
	for _, each := range []bool{false, true} {
		inBubble(t, func(t *testing.T, b *bench) {
			bad, repaired := keepThree(b)
			b.disk.Remove(identitiesFile)
			reads := b.failsToRead(bad)
			b.open()
			b.wantDuplicatesOf("a", 1)
			b.wantDuplicatesOf("c", 3)
			took, r := b.refusedFor("new", bad, each)
			if took < 10*time.Minute || took > 11*time.Minute || r.Duplicate || r.Number != 4 {
				t.Errorf("new was refused for %v, then %+v", took, r)
			}
			before := reads.Load()
			b.reopen()
			for _, again := range []bool{false, true} {
				if r := b.appendID("b"); r.Duplicate != again || r.Number != 5 {
					t.Errorf("b: %+v", r)
				}
			}
			b.wantDuplicatesOf("a", 1)
			b.wantDuplicatesOf("new", 4)
			b.reopen()
			b.appendID("newer")
			if n := reads.Load() - before; n > 0 {
				t.Errorf("it was read %d times more", n)
			}
			if len(*repaired) != 1 || (*repaired)[0].File != bad || !strings.Contains((*repaired)[0].Problem, "cannot be read since 12/31/1999") {
				t.Errorf("reported: %+v", *repaired)
			}
			b.Close()
			incidents := b.state(appendState).Incidents
			if len(incidents) != 1 || incidents[0].Key != bad || incidents[0].Code != "repaired" {
				t.Errorf("incidents: %+v", incidents)
			}
		})
	}
}

// If the index says that a fetch may be in such a batch, only that one is refused, and for
// as long.
func TestBrokenSectorOfAKnownBatch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		bad, repaired := keepThree(b)
		b.failsToRead(bad)
		b.open()
		b.wantDuplicatesOf("a", 1)
		b.appendID("new")
		if took, r := b.refusedFor("b", bad, false); took < 10*time.Minute || r.Duplicate || r.Number != 5 {
			t.Errorf("b was refused for %v, then %+v", took, r)
		}
		b.reopen()
		b.wantDuplicatesOf("b", 5)
		if len(*repaired) != 1 {
			t.Errorf("reported: %+v", *repaired)
		}
	})
}

// A disk that cannot be read for less than ten minutes, or for long but cannot be written
// either, has no batch left out.
func TestDiskThatFailsForAWhile(t *testing.T) {
	for name, fault := range map[string]struct {
		lasts time.Duration
		fails func(op crashfs.Op) bool
	}{
		"reading": {9 * time.Minute, func(op crashfs.Op) bool { return op.Kind == "ReadAt" && strings.HasPrefix(op.Name, uploadedDir) }},
		"all":     {4 * time.Hour, func(crashfs.Op) bool { return true }},
		"syncing": {4 * time.Hour, func(op crashfs.Op) bool {
			return op.Kind == "Sync" || op.Kind == "ReadAt" && strings.HasPrefix(op.Name, uploadedDir)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				_, repaired := keepThree(b)
				var failing atomic.Bool
				b.disk.Remove(identitiesFile)
				b.onDisk(func(op crashfs.Op) error {
					if op.Kind == "OpenFile" && strings.HasPrefix(op.Name, uploadedDir) || failing.Load() && fault.fails(op) {
						return syscall.EIO
					}
					return nil
				})
				b.open()
				failing.Store(true)
				for begun := time.Now(); time.Since(begun) < fault.lasts; time.Sleep(20 * time.Second) {
					if r, err := b.Append(t.Context(), withID("b")); err == nil {
						t.Fatalf("b: %+v", r)
					}
				}
				b.onDisk(nil)
				b.wantDuplicates("a", "b", "c")
				for _, r := range *repaired {
					if strings.HasPrefix(r.File, uploadedDir) {
						t.Errorf("reported: %+v", r)
					}
				}
			})
		})
	}
}

// What waits is in no store yet, so somebody has to look after it first.
func TestBrokenSectorOfABatchThatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
		b.away()
		b.open()
		b.appendID("a")
		b.Close()
		b.disk.Remove(identitiesFile)
		b.failsToRead("all_api.spool/pending/" + b.pending()[0])
		b.open()
		for range 120 {
			if _, err := b.Append(t.Context(), withID("b")); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "move the file away") &&
				!strings.Contains(err.Error(), "moved away") {
				t.Fatalf("b: %v", err)
			}
			time.Sleep(time.Minute)
		}
	})
}

// Of a kept batch that is damaged, what can still be read is known. The rest is as if it
// were no longer kept, and that is reported once.
func TestDamagedBatchIsSearched(t *testing.T) {
	damage := map[string]func(b *bench, file string){
		"compressed": func(b *bench, file string) {
			b.compress(func(frame []byte) []byte { frame[len(frame)-1] ^= 1; return frame }, strings.TrimPrefix(file, uploadedDir))
		},
		"cut": func(b *bench, file string) {
			b.changeBatch(file, func(content []byte) []byte { return content[:len(content)/2] })
		},
		"flipped": func(b *bench, file string) {
			b.changeBatch(file, func(content []byte) []byte { content[bytes.IndexByte(content, '{')] ^= 1; return content })
		},
	}
	for name, damage := range damage {
		t.Run(name, func(t *testing.T) { testDamagedBatchIsSearched(t, damage, false) })
		t.Run(name+", and was indexed", func(t *testing.T) { testDamagedBatchIsSearched(t, damage, true) })
	}
}

func (b *bench) changeBatch(file string, change func(content []byte) []byte) {
	b.t.Helper()
	content, err := b.disk.ReadFile(file)
	if err == nil {
		err = b.disk.ReplaceFile(file, change(content), 0o400)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func testDamagedBatchIsSearched(t *testing.T, damage func(b *bench, file string), indexed bool) {
	inBubble(t, func(t *testing.T, b *bench) {
		bad, repaired := keepThree(b)
		if !indexed {
			b.disk.Remove(identitiesFile)
		}
		damage(b, bad)
		b.open()
		b.wantDuplicatesOf("a", 1)
		b.wantDuplicatesOf("c", 3)
		if r := b.appendID("b"); r.Duplicate || r.Number != 4 {
			t.Errorf("b: %+v", r)
		}
		b.reopen()
		b.wantDuplicatesOf("b", 4)
		b.Close()
		about := func(r rotatelog.Repaired) bool {
			return strings.HasPrefix(r.File, bad) && strings.HasPrefix(r.Problem, "0 of its 1 fetches can be read")
		}
		if i := slices.IndexFunc(*repaired, about); i < 0 || slices.ContainsFunc((*repaired)[i+1:], about) {
			t.Errorf("reported: %+v", *repaired)
		}
	})
}

// What could not be read, and then could, is not given up the sooner the next time.
func TestFailuresBeforeASuccess(t *testing.T) {
	for _, each := range []bool{false, true} {
		inBubble(t, func(t *testing.T, b *bench) {
			bad, repaired := keepThree(b)
			b.disk.Remove(identitiesFile)
			b.failsToRead(bad)
			b.open()
			for range 9 {
				if r, err := b.Append(t.Context(), withID("new")); err == nil {
					t.Fatalf("new: %+v", r)
				}
				time.Sleep(time.Minute)
			}
			b.onDisk(nil)
			b.appendID("new")
			if each {
				b.reopen()
			}
			b.failsToRead(bad)
			if took, r := b.refusedFor("b", bad, each); took < 10*time.Minute || r.Number != 5 {
				t.Errorf("b was refused for %v, then %+v", took, r)
			}
			if len(*repaired) != 1 {
				t.Errorf("reported: %+v", *repaired)
			}
		})
	}
}
