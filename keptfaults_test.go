package rotatelog_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

// Who needs room takes that of the file that is being compressed. If that is complete, and
// gets its name at this moment, it is a batch already, and stays whole.
func TestRoomIsNotTakenOfACompleteBatch(t *testing.T) {
	for _, kind := range []string{"Truncate", "Remove"} {
		inBubble(t, func(t *testing.T, b *bench) {
			names := keptFour(b)
			b.cfg.KeepUploaded = 1
			b.away() // so no batch may be deleted
			var full atomic.Bool
			b.onDisk(func(op crashfs.Op) error {
				switch {
				case op.Kind == "Remove" && op.Name == uploadedDir+names[2]+".zst" && !full.Load():
					full.Store(true)
					time.Sleep(time.Second) // it is complete, and read back
				case op.Kind == kind && strings.HasPrefix(op.Name, compressing) && full.Load():
					time.Sleep(2 * time.Second)
				case op.Kind == "Chmod" && op.Name == compressing:
					return syscall.EPERM // or as root, who may write to what is read-only
				case op.Kind == "WriteAt" && strings.HasPrefix(op.Name, "all_api.") && full.Load():
					return syscall.ENOSPC
				}
				return nil
			})
			w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
			if err != nil {
				t.Fatal(err)
			}
			b.Writer = w
			for !full.Load() {
				time.Sleep(100 * time.Millisecond)
			}
			b.Append(t.Context(), counted(5))
			b.onDisk(nil)
			synctest.Wait()
			time.Sleep(time.Minute)
			kept := b.spoolBatches()
			if len(kept) < 4 {
				t.Errorf("%s: %d batches are kept", kind, len(kept))
			}
			for _, kept := range kept {
				if kept.FetchCount != 1 {
					t.Errorf("%s: %s has %d fetches\n%s", kind, kept.File, kept.FetchCount, b.log)
				}
			}
		})
	}
}

// A batch that cannot be compressed does not keep the others from being compressed.
func TestBatchThatCannotBeCompressed(t *testing.T) {
	for name, hurt := range map[string]func(b *bench, name string){
		"it cannot be read": func(b *bench, name string) {
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == "ReadAt" && op.Name == uploadedDir+name {
					return syscall.EIO
				}
				return nil
			})
		},
		"it leads nowhere": func(b *bench, name string) {
			if err := errors.Join(b.disk.Remove(uploadedDir+name), b.disk.Symlink("nowhere", uploadedDir+name)); err != nil {
				b.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				names := keptFour(b)
				hurt(b, names[2])
				tries := 0
				before := b.fail
				b.onDisk(func(op crashfs.Op) error {
					if op.Kind == "OpenFile" && op.Name == compressing && op.Mutates {
						if tries++; tries > 100 {
							time.Sleep(time.Hour)
						}
					}
					if before != nil {
						return before(op)
					}
					return nil
				})
				b.cfg.KeepUploaded = 1
				b.open()
				time.Sleep(90 * time.Minute)
				b.wantForms(2, 2)
				if tries > 10 {
					t.Errorf("%d tries", tries)
				}
			})
		})
	}
}

// A batch that is there in both forms, since a process died while it was compressing, leaves
// neither behind when it is taken back or gets another upload_sequence.
func TestBothFormsOfABatchMoveTogether(t *testing.T) {
	for name, change := range map[string]func(b *bench){
		"taken back": func(b *bench) { b.mem.Delete(dayA) },
		"taken back, and uploaded after another's": func(b *bench) {
			b.mem.Delete(dayA)
			other := b.second()
			other.append(77)
			other.flush()
			other.Close()
		},
		"renumbered": func(b *bench) {
			b.mem.Put(dayA, bytes.Replace(b.mem.Bytes(dayA), []byte(`"upload_sequence":4`), []byte(`"upload_sequence":9`), 1), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				names := keptFour(b)
				text, err := b.disk.ReadFile(uploadedDir + names[3])
				if err == nil {
					err = b.disk.WriteFile(uploadedDir+names[3]+".zst", frameOf(t, text), 0o400)
				}
				if err != nil {
					t.Fatal(err)
				}
				b.forgetBody()
				change(b)
				b.open()
				b.uploadEach(5, 5)
				names = append(b.uploaded(), b.pending()...)
				for id := 1; id <= 5; id++ {
					if all := strings.Join(names, " "); strings.Count(all, fmt.Sprintf("-ID%08d", id)) != 1 {
						t.Errorf("batch %d is not there once: %q", id, names)
					}
				}
			})
		})
	}
}

// A sync that fails takes the name with which a batch is taken back. A later one does not
// make up for it.
func TestBatchTakenBackAfterAFailedSync(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.flush()
		before := b.mem.Bytes(dayA)
		b.append(22)
		b.flush()
		b.mem.Put(dayA, before, nil)
		var linked, failed atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Link" && strings.HasPrefix(op.Name, uploadedDir) && strings.HasPrefix(op.To, "all_api.spool/pending/") {
				linked.Store(true)
			}
			if op.Kind == "SyncDir" && op.Name == "all_api.spool/pending" && linked.Load() && failed.CompareAndSwap(false, true) {
				return syscall.EIO
			}
			return nil
		})
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" {
				return storetest.Fault{Err: errors.New("away"), Skip: true}
			}
			return storetest.Fault{}
		})
		b.append(3)
		b.Seal(t.Context())
		time.Sleep(time.Minute)
		if !failed.Load() {
			t.Fatal("no batch was taken back")
		}
		onEachDisk(b.disk, func(name string, left *crashfs.FS) {
			if !holds(left, 22, "pending", "uploaded") {
				t.Errorf("%s is left: the batch is gone", name)
			}
		})
	})
}

// What cannot be read of a batch that is kept is uploaded: nobody is told to append it
// again.
func TestKeptBatchThatCannotBeReadIsUploaded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
		b.open()
		b.appendID("a")
		b.flush()
		b.Close()
		b.disk.Remove(identitiesFile)
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "ReadAt" && strings.HasPrefix(op.Name, uploadedDir) {
				return syscall.EIO
			}
			return nil
		})
		b.open()
		_, err := b.Append(t.Context(), withID("b"))
		if !errors.Is(err, syscall.EIO) || strings.Contains(err.Error(), "not uploaded") || strings.Contains(err.Error(), "append that again") {
			t.Errorf("append: %v", err)
		}
	})
}
