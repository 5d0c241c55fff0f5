package rotatelog_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
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

// TestBatchThatWaitsAndIsKept: a power cut has brought back its name in pending/, and then its
// day is gone. It is uploaded once.
func TestBatchThatWaitsAndIsKept(t *testing.T) {
	for name, change := range map[string]func(b *bench, names []string){
		"as it was sealed": func(*bench, []string) {},
		"compressed":       func(b *bench, names []string) { b.compress(asItIs, names[3]) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				names := keptFour(b)
				text, err := b.disk.ReadFile(uploadedDir + names[3])
				if err == nil {
					err = b.disk.WriteFile("all_api.spool/pending/"+strings.TrimSuffix(names[3], "-000004.json")+".json", text, 0o400)
				}
				if err != nil {
					t.Fatal(err)
				}
				change(b, names)
				b.forgetBody()
				b.mem.Delete(dayA)
				b.open()
				b.uploadEach(5, 5)
				if m := b.day(dayA).Metadata; m.Fetches != 5 || m.Matches != 15 {
					t.Errorf("%+v\n%s", m, b.log)
				}
				if len(b.pending()) > 0 || len(b.uploaded()) != 5 {
					t.Errorf("pending/ has %q, uploaded/ %q", b.pending(), b.uploaded())
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

// Who reads a spool with a broken sector, as a restore does, is told how to go on without it.
func TestKeptBatchThatCannotBeReadByOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		names := keptFour(b)
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "ReadAt" && op.Name == uploadedDir+names[1] {
				return syscall.EIO
			}
			return nil
		})
		r, err := rotatelog.OpenSpoolReader(rotatelog.OnDisk(rotatelog.Config{}, b.disk, b.newID))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		day, err := rotatelog.ParseDay(today)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Batches(day); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), names[1]) || !strings.Contains(err.Error(), "move the file away") {
			t.Error(err)
		}
	})
}

// A drain whose batches are in the store succeeds, also if the Writer is closed while it
// waits for a compression.
func TestDrainThatWaitsForCompressionIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		keptFour(b)
		b.cfg.KeepUploaded = 1
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && op.Name == compressing {
				time.Sleep(time.Hour)
			}
			return nil
		})
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Delay: time.Second} })
		b.open()
		b.append(5)
		drained := make(chan error)
		go func() { drained <- b.Drain(t.Context()) }()
		time.Sleep(time.Minute)
		if m := b.day(dayA).Metadata; m.Fetches != 5 {
			t.Fatalf("%+v", m)
		}
		select {
		case err := <-drained:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		go b.Close()
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

// overlooks is a disk of which one reading of uploaded/ has no name of a batch, as may be
// if that is renamed while the directory is read.
type overlooks struct {
	vfs.FS
	id   string
	left *atomic.Int32
}

func (o overlooks) ReadDir(name string) ([]string, error) {
	names, err := o.FS.ReadDir(name)
	if name+"/" == uploadedDir && o.left.Add(-1) == 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, o.id) })
	}
	return names, err
}

// A batch that gets another name while its directory is read is not taken for gone:
// wherever that happens, its fetches are not stored again.
func TestBatchIsRenamedWhileItsDirectoryIsRead(t *testing.T) {
	for n := int32(1); n <= 12; n++ {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
			b.open()
			for _, id := range []string{"a", "b", "c"} {
				b.appendID(id)
				b.flush()
			}
			if err := errors.Join(b.Close(), b.disk.Remove(identitiesFile)); err != nil {
				t.Fatal(err)
			}
			left := new(atomic.Int32)
			left.Store(n)
			b.Writer = b.openOn(overlooks{b.disk, "ID00000002", left})
			synctest.Wait()
			b.wantDuplicatesOf("b", 2)
			b.wantOnce("a", "b", "c")
		})
	}
}
