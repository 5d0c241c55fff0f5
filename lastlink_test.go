package rotatelog_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
)

const lastName = "all_api.last.json"

// lastFile returns what the link to the last batch leads to; the zero ID if there is none.
func (b *bench) lastFile() vfs.ID {
	info, _ := b.disk.Stat(lastName)
	return info.ID
}

// newestFile returns the file of the batch that was sealed last.
func (b *bench) newestFile() vfs.ID {
	b.t.Helper()
	synctest.Wait()
	for _, dir := range []string{"all_api.spool/pending", "all_api.spool/uploaded"} {
		names, err := b.disk.ReadDir(dir)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(names) == 0 {
			continue
		}
		info, err := b.disk.Stat(dir + "/" + names[len(names)-1])
		if err != nil {
			b.t.Fatal(err)
		}
		return info.ID
	}
	return vfs.ID{}
}

// wantLast wants the link to lead to the batch that was sealed last.
func (b *bench) wantLast() {
	b.t.Helper()
	if newest := b.newestFile(); b.lastFile() != newest || newest == (vfs.ID{}) {
		b.t.Errorf("the link is file %v, the last batch %v", b.lastFile(), newest)
	}
}

// TestLastBatchCanBeOpened under one name, from when it is sealed to when the next is, in
// whatever process.
func TestLastBatchCanBeOpened(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 2, 1, -1
		b.open()
		b.append(1)
		if b.lastFile() != (vfs.ID{}) {
			t.Error("there is a link before any batch")
		}
		b.append(2)
		b.wantLast()
		text, err := b.disk.ReadFile(lastName)
		if err != nil || !strings.Contains(string(text), "\"total_matches\": 2") {
			t.Errorf("it has %s, %v", text, err)
		}
		if info, err := b.disk.Stat(lastName); err != nil || info.Mode&0o222 != 0 {
			t.Errorf("its mode is %v, %v: an editor would save over it", info.Mode, err)
		}
		for i := range 6 {
			b.append(2*i, 2*i+1)
			b.wantLast()
			b.flush()
			b.wantLast()
			if i%2 == 0 {
				b.reopen()
			}
		}
		b.cfg.MaxFetches = 1 // several at once, past the array
		b.reopen()
		b.append(20)
		b.wantLast()
	})
}

// TestLinkOfSomebodyElseStays: nothing that is no batch of the spool is replaced, and it is
// no error.
func TestLinkOfSomebodyElseStays(t *testing.T) {
	for name, put := range map[string]func(b *bench) error{
		"a file":          func(b *bench) error { return b.disk.WriteFile(lastName, []byte("mine"), 0o600) },
		"an empty file":   func(b *bench) error { return b.disk.WriteFile(lastName, nil, 0o600) },
		"a directory":     func(b *bench) error { return b.disk.Mkdir(lastName, 0o700) },
		"a symbolic link": func(b *bench) error { return b.disk.Symlink("somewhere", lastName) },
		"a copy of a batch": func(b *bench) error {
			text, err := b.disk.ReadFile(uploadedDir + b.uploaded()[0])
			if err != nil {
				return err
			}
			return b.disk.ReplaceFile(lastName, text, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, 1, -1
				b.open()
				b.uploadEach(1, 2)
				if err := b.disk.Remove(lastName); err != nil {
					t.Fatal(err)
				}
				if err := put(b); err != nil {
					t.Fatal(err)
				}
				its := b.lastFile()
				b.uploadEach(3, 4)
				b.reopen()
				b.uploadEach(5, 6)
				time.Sleep(time.Hour)
				if b.lastFile() != its {
					t.Error("it was replaced")
				}
				if m := b.day(dayA).Metadata; m.Fetches != 6 {
					t.Errorf("%+v", m)
				}
				if err := b.disk.Remove(lastName); err != nil {
					t.Fatal(err)
				}
				b.uploadEach(7, 7)
				b.wantLast()
			})
		})
	}
}

// TestStaleLinkIsReplaced: a link that could not be replaced for a while is ours even so,
// and is gone once its batch is compressed or deleted.
func TestStaleLinkIsReplaced(t *testing.T) {
	for name, keepFor := range map[string]time.Duration{"compressed": 0, "deleted": -1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, 2, keepFor
				b.open()
				b.uploadEach(1, 1)
				b.onDisk(func(op crashfs.Op) error {
					if op.Kind == "Link" && strings.HasSuffix(op.To, "last.json.new") {
						return syscall.ENOSPC
					}
					return nil
				})
				b.uploadEach(2, 2)
				if b.lastFile() == b.newestFile() || b.lastFile() == (vfs.ID{}) {
					t.Error("the link is not stale")
				}
				b.uploadEach(3, 3)
				if b.lastFile() != (vfs.ID{}) {
					t.Error("the link is still there, and keeps the room of its batch")
				}
				b.onDisk(nil)
				b.reopen()
				b.uploadEach(4, 4)
				b.wantLast()
			})
		})
	}
}

// TestWithoutLinksThereIsNone, and batches are sealed all the same.
func TestWithoutLinksThereIsNone(t *testing.T) {
	for _, kind := range []string{"Link", "Rename"} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches = 1
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == kind && (kind == "Link" || op.To == lastName) {
					return syscall.EPERM
				}
				return nil
			})
			b.open()
			b.uploadEach(1, 5)
			if _, err := b.disk.Stat(lastName); err == nil {
				t.Error("there is a link")
			}
			if m := b.day(dayA).Metadata; m.Fetches != 5 {
				t.Errorf("%+v", m)
			}
			if _, err := b.disk.Stat("all_api.spool/last.json.new"); err == nil {
				t.Error("a file is left over")
			}
		})
	}
}

// TestNameOfALinkIsRefused: the local file of such a stream could be the link of another.
func TestNameOfALinkIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for name, ok := range map[string]bool{"x.last": false, "x.LAST": false, "x.y.last": false, "last": true, "x-last": true, "x.last.y": true, "x.lasting": true} {
			cfg := b.cfg
			cfg.Name = name
			w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(cfg, crashfs.New(), b.newID))
			if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), fmt.Sprintf("Name %q may not end in .last", name)) {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil {
				w.Close()
			}
		}
	})
}

// TestLinkFollowsABatchThatIsWrittenAgain: a batch of an earlier Writer is written once more
// when a duplicate of a fetch in it comes. The link leads to it then, and to the next.
func TestLinkFollowsABatchThatIsWrittenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
		b.away()
		b.open()
		b.appendID("a")
		b.reopen()
		before := b.newestFile()
		b.wantDuplicates("a")
		if b.newestFile() == before {
			t.Fatal("the batch was not written again")
		}
		b.wantLast()
		b.reopen()
		b.appendID("b")
		b.wantLast()
	})
}

// TestLinkToABatchThatIsGivenUp goes with it.
func TestLinkToABatchThatIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.away()
		b.open()
		b.append(1)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := b.disk.WriteFile("all_api.spool/pending/"+b.pending()[0], []byte("\x00\x00"), 0o400); err != nil {
			t.Fatal(err)
		}
		if b.lastFile() != b.newestFile() {
			t.Fatal("the link leads elsewhere")
		}
		b.onStore(nil)
		b.open()
		b.flush()
		if len(b.pending()) > 0 {
			t.Fatalf("it waits still: %q", b.pending())
		}
		b.uploadEach(2, 2)
		b.wantLast()
	})
}
