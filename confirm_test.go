package rotatelog_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// withoutLinks makes an operation fail as on a disk that has no hard links.
func withoutLinks(op crashfs.Op) error {
	if op.Kind == "Link" {
		return syscall.EPERM
	}
	return nil
}

// onEachDisk calls test for disks that a power cut may leave of one: what was synced,
// everything, and some choices.
func onEachDisk(disk *crashfs.FS, test func(name string, left *crashfs.FS)) {
	test("only what was synced", disk.Crash(crashfs.KeepNothing))
	test("everything", disk.Crash(crashfs.KeepAll))
	for seed := range uint64(8) {
		test(fmt.Sprint("choice ", seed), disk.Crash(rand.New(rand.NewPCG(seed, 0)).IntN))
	}
}

// holds reports whether one of the directories has a batch with a fetch of that
// count.
func holds(disk *crashfs.FS, count int, dirs ...string) bool {
	fetch := regexp.MustCompile(fmt.Sprintf(`"total_matches": ?%d\b`, count))
	for name, content := range disk.Tree() {
		dir, _, _ := strings.Cut(strings.TrimPrefix(name, "all_api.spool/"), "/")
		if slices.Contains(dirs, dir) && fetch.MatchString(content) {
			return true
		}
	}
	return false
}

// powerCut cuts power some disk changes after a given one.
type powerCut struct {
	begins func(crashfs.Op) bool
	rule   func(crashfs.Op) error // for all other operations

	mu    sync.Mutex // guards what follows
	left  int        // changes until then
	begun bool
	cut   bool
}

func cutAfter(changes int, begins func(crashfs.Op) bool, rule func(crashfs.Op) error) *powerCut {
	return &powerCut{begins: begins, rule: rule, left: changes}
}

func (c *powerCut) before(op crashfs.Op) error {
	if c.cuts(op) {
		return crashfs.ErrPowerCut
	}
	return c.rule(op)
}

func (c *powerCut) cuts(op crashfs.Op) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = c.begun || c.begins(op)
	if !c.begun || !op.Mutates {
		return false
	}
	c.left--
	c.cut = c.cut || c.left < 0
	return c.left < 0
}

// TestConfirmedBatchIsDurable: a batch that is reported as uploaded has a name after
// a power cut, so that it can be uploaded again if the store loses it: with hard
// links and without, and where there is no room for a copy.
func TestConfirmedBatchIsDurable(t *testing.T) {
	for name, rule := range map[string]func(crashfs.Op) error{
		"links":    nil,
		"no links": withoutLinks,
		"no links and no room": func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && strings.HasPrefix(op.Name, "all_api.spool/uploaded/") && strings.HasSuffix(op.Name, ".new") {
				return syscall.ENOSPC
			}
			return withoutLinks(op)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.onDisk(rule)
				reported := 0
				b.cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) {
					reported++
					onEachDisk(b.disk, func(name string, left *crashfs.FS) {
						if !holds(left, int(u.Matches), "pending", "uploaded") {
							t.Errorf("%s is left: upload %d is gone", name, u.Sequence)
						}
					})
				}
				b.open()
				for n := range 3 {
					b.append(100 + n)
					b.flush()
				}
				if reported != 3 {
					t.Errorf("%d uploads reported, want 3", reported)
				}
			})
		})
	}
}

// TestNameOfAConfirmedBatchComesBack: power is cut when the name in pending/ was
// removed, but not durably, and by then others have appended more than the metadata
// lists. The batch must be found to be in the object.
func TestNameOfAConfirmedBatchComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.flush()
		names, err := b.disk.ReadDir("all_api.spool/uploaded")
		if err != nil || len(names) != 1 {
			t.Fatalf("uploaded/ has %q, %v", names, err)
		}
		b.Close()
		pending := strings.TrimSuffix(names[0], "-000001.json") + ".json"
		if err := b.disk.Link("all_api.spool/uploaded/"+names[0], "all_api.spool/pending/"+pending); err != nil {
			t.Fatal(err)
		}
		other := b.second()
		for n := range 16 { // as many as the metadata lists
			other.append(100 + n)
			other.flush()
		}
		other.Close()
		b.open()
		b.flush()
		if m := b.day(dayA).Metadata; m.Uploads != 17 {
			t.Errorf("%d uploads, want 17", m.Uploads)
		}
		if names := b.pending(); len(names) != 0 {
			t.Errorf("pending/ has %q", names)
		}
	})
}

// isMoveFrom returns which disk operation begins to move a batch from one directory
// of the spool to another.
func isMoveFrom(dir string) func(crashfs.Op) bool {
	return func(op crashfs.Op) bool {
		in := func(name string) bool { return strings.HasPrefix(name, "all_api.spool/"+dir+"/") }
		return (op.Kind == "Link" || op.Kind == "Rename") && in(op.Name) && !in(op.To) && strings.HasSuffix(op.Name, ".json")
	}
}

// A batch whose upload was lost by the store, and which waits again, has a name at
// each instant, wherever power is cut.
func TestBatchTakenBackIsDurable(t *testing.T) {
	for _, links := range []bool{true, false} {
		t.Run(fmt.Sprint("links ", links), func(t *testing.T) {
			for cut, over := 0, false; !over; cut++ {
				inBubble(t, func(t *testing.T, b *bench) { over = takenBackAndCut(b, links, cut) })
			}
		})
	}
}

// takenBackAndCut cuts power that many changes of the disk after a batch began to be
// taken back. It is over when there are no more.
func takenBackAndCut(b *bench, links bool, cut int) (over bool) {
	rule := func(op crashfs.Op) error { return nil }
	if !links {
		rule = withoutLinks
	}
	b.onDisk(rule)
	b.open()
	b.append(1)
	b.flush()
	before := b.mem.Bytes(dayA)
	b.append(22)
	b.flush()
	b.mem.Put(dayA, before, nil) // somebody restores an old copy
	disk := cutAfter(cut, isMoveFrom("uploaded"), rule)
	b.onDisk(disk.before)
	b.append(3)
	b.Flush(b.t.Context())
	synctest.Wait()
	b.Close()
	b.Writer = nil
	if !disk.begun {
		b.t.Fatal("no batch was taken back")
	}
	stored := strings.Contains(string(b.mem.Bytes(dayA)), `"total_matches":22`)
	onEachDisk(b.disk, func(name string, left *crashfs.FS) {
		if !stored && !holds(left, 22, "pending", "uploaded") {
			b.t.Errorf("power is cut after %d changes, %s is left: the batch is neither there nor in the store", cut, name)
		}
	})
	return !disk.cut
}

// TestConfirmedNumbersAreNotGivenAgain: power is cut while a batch is confirmed,
// which was the last of its day. Then only its name has its numbers.
func TestConfirmedNumbersAreNotGivenAgain(t *testing.T) {
	for _, links := range []bool{true, false} {
		t.Run(fmt.Sprint("links ", links), func(t *testing.T) {
			for cut, over := 0, false; !over; cut++ {
				inBubble(t, func(t *testing.T, b *bench) { over = confirmedAndCut(b, links, cut) })
			}
		})
	}
}

// confirmedAndCut cuts power that many changes of the disk after a batch began to be
// confirmed. It is over when there are no more.
func confirmedAndCut(b *bench, links bool, cut int) (over bool) {
	rule := func(crashfs.Op) error { return nil }
	if !links { // the seal has them, so that it writes no numbers into batch.json
		rule = func(op crashfs.Op) error {
			if strings.HasPrefix(op.Name, "all_api.spool/") {
				return withoutLinks(op)
			}
			return nil
		}
	}
	disk := cutAfter(cut, isMoveFrom("pending"), rule)
	b.onDisk(disk.before)
	b.open()
	b.append(1)
	b.Flush(b.t.Context())
	synctest.Wait()
	b.Close()
	b.Writer = nil
	if !disk.begun {
		b.t.Fatal("no batch was confirmed")
	}
	onEachDisk(b.disk, func(name string, left *crashfs.FS) {
		next := &bench{t: b.t, disk: left, mem: b.mem, cfg: b.cfg, log: new(lockedBuffer), ids: 1000}
		next.setDisk(left)
		next.open()
		if r := next.append(2)[0]; r.Number != 2 {
			b.t.Errorf("power is cut after %d changes, %s is left: the next fetch is #%d, want #2", cut, name, r.Number)
		}
		next.Close()
	})
	return !disk.cut
}

// TestConfirmationThatFails: a batch whose name in uploaded/ could not be synced is confirmed
// again. It is in the day's object, but only the spool says which fetches it had.
func TestConfirmationThatFails(t *testing.T) {
	for name, fails := range map[string]error{"the disk fails": syscall.EIO, "there is no room": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				failed := 0
				b.onDisk(func(op crashfs.Op) error {
					switch {
					case op.Kind == "Link" && strings.HasPrefix(op.To, uploadedDir),
						op.Kind == "OpenFile" && strings.HasPrefix(op.Name, uploadedDir) && strings.HasSuffix(op.Name, ".new"):
						return fails
					case op.Kind == "SyncDir" && op.Name+"/" == uploadedDir && failed < 2:
						failed++
						return syscall.EIO
					}
					return nil
				})
				b.open()
				b.append(1)
				b.append(22)
				b.Seal(t.Context())
				time.Sleep(time.Minute)
				b.onDisk(nil)
				b.flush()
				time.Sleep(2 * time.Minute)
				if n := len(b.pending()); n > 0 {
					t.Errorf("%d batches wait still", n)
				}
				onEachDisk(b.disk, func(name string, left *crashfs.FS) {
					if !holds(left, 22, "pending", "uploaded") {
						t.Errorf("%s is left: the batch is gone", name)
					}
				})
			})
		})
	}
}
