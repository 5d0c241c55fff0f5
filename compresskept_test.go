package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

const compressing = "all_api.spool/uploaded/compressing"

// plainKept returns how many of the confirmed batches are compressed, and how many not.
func (b *bench) forms() (plain, compressed int) {
	b.t.Helper()
	for _, name := range b.uploaded() {
		switch {
		case strings.HasSuffix(name, ".json"):
			plain++
		case strings.HasSuffix(name, ".json.zst"):
			compressed++
		default:
			b.t.Errorf("uploaded/ has %s", name)
		}
	}
	return plain, compressed
}

// wantForms wants so many of the confirmed batches as they were sealed, and so many
// compressed.
func (b *bench) wantForms(plain, compressed int) {
	b.t.Helper()
	synctest.Wait()
	if p, c := b.forms(); p != plain || c != compressed {
		b.t.Errorf("%d batches are plain and %d compressed, want %d and %d: %q\n%s", p, c, plain, compressed, b.uploaded(), b.log)
	}
}

// TestBatchesAreKeptFor48Hours, the last ones longer and as they were sealed, and deleted
// when nothing is uploaded either.
func TestBatchesAreKeptFor48Hours(t *testing.T) {
	if testing.Short() {
		t.Skip("two days of attempts, a minute apart, take a while")
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded = 1, 3
		b.open()
		b.uploadEach(1, 8)
		b.wantForms(3, 5)
		time.Sleep(47 * time.Hour)
		b.wantForms(3, 5)
		time.Sleep(2 * time.Hour)
		b.wantForms(3, 0)
		time.Sleep(1000 * time.Hour)
		b.wantForms(3, 0)
		if log := b.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
			t.Error(log)
		}
	})
}

// TestKeptBatchesFitKeepBytes: the oldest go once all are too large.
func TestKeptBatchesFitKeepBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepBytes = 1, 1, 500
		b.open()
		b.uploadEach(1, 20)
		synctest.Wait()
		size := 0
		names := b.uploaded()
		for _, name := range names {
			content, err := b.disk.ReadFile(uploadedDir + name)
			if err != nil {
				t.Fatal(err)
			}
			size += len(content)
		}
		if size > 500 || len(names) < 3 || !strings.Contains(names[len(names)-1], "-000020-") {
			t.Errorf("%d bytes in %q", size, names)
		}
	})
}

// TestBatchesNotSeenAreKept: of a day that cannot be looked at nothing is deleted by age.
func TestBatchesNotSeenAreKept(t *testing.T) {
	if testing.Short() {
		t.Skip("two days of attempts, a minute apart, take a while")
	}
	inBubble(t, func(t *testing.T, b *bench) {
		keptFour(b)
		b.cfg.KeepUploaded = 1
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		time.Sleep(100 * time.Hour)
		b.wantForms(1, 3)
		b.onStore(nil)
		time.Sleep(2 * time.Hour)
		b.wantForms(1, 0)
	})
}

// TestDayIsLookedAtBeforeItsBatchesGo: if somebody deletes a day's object, its batches are
// uploaded again when they are about to be deleted by age, since they are the last copies.
func TestDayIsLookedAtBeforeItsBatchesGo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.KeepUploaded = 1
		keptFour(b)
		b.forgetBody()
		b.open()
		time.Sleep(40 * time.Hour)
		b.mem.Delete(dayA)
		time.Sleep(10 * time.Hour)
		if m := b.day(dayA).Metadata; m.Fetches != 4 || m.Matches != 10 {
			t.Errorf("%+v\n%s", m, b.log)
		}
	})
}

// TestCompressionGivesWay: a fetch for which there is no room takes that of a batch that is
// being compressed, and those of compressed batches.
func TestCompressionGivesWay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded = 1, 1
		b.open()
		b.uploadEach(1, 5)
		b.wantForms(1, 4)
		full := func(op crashfs.Op) error {
			if op.Kind != "WriteAt" || strings.HasSuffix(op.Name, "compressing") {
				return nil
			}
			if _, err := b.disk.Stat(compressing); err == nil {
				return syscall.ENOSPC
			}
			if len(b.uploaded()) > 1 {
				return syscall.ENOSPC
			}
			return nil
		}
		if err := b.disk.WriteFile(compressing, make([]byte, 100), 0o600); err != nil { // of a process that was killed
			t.Fatal(err)
		}
		b.onDisk(full)
		b.append(6)
		b.onDisk(nil)
		b.flush()
		b.wantForms(1, 1)
		if m := b.day(dayA).Metadata; m.Fetches != 6 {
			t.Errorf("%+v", m)
		}
	})
}

// TestCompressionNeedsRoom: where there is none for a compressed batch, everything else
// goes on, and it is tried again.
func TestCompressionNeedsRoom(t *testing.T) {
	for name, full := range map[string]error{"full": syscall.ENOSPC, "broken": syscall.EIO} {
		for _, kind := range []string{"OpenFile", "WriteAt", "Sync", "Chmod", "Rename"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) {
					var tries atomic.Int32
					b.cfg.MaxFetches, b.cfg.KeepUploaded = 1, 1
					b.onDisk(func(op crashfs.Op) error {
						if op.Kind == kind && op.Name == compressing && op.Mutates {
							tries.Add(1)
							return full
						}
						return nil
					})
					b.open()
					b.uploadEach(1, 4)
					b.wantForms(4, 0)
					time.Sleep(30 * time.Minute)
					if n := tries.Load(); n != 1 {
						t.Errorf("%d tries within half an hour", n)
					}
					if warned := strings.Contains(b.log.String(), "could not be compressed"); warned != (full == syscall.EIO) {
						t.Errorf("warned: %v\n%s", warned, b.log)
					}
					b.onDisk(nil)
					time.Sleep(time.Hour)
					b.wantForms(1, 3)
				})
			})
		}
	}
}

// TestCompressorThatErrs: a batch is not given up for a file that reads differently.
func TestCompressorThatErrs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded = 1, 1
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" && op.Name == compressing { // as a disk that lies
				return b.disk.WriteFile(compressing, frameOf(t, []byte("[]")), 0o600)
			}
			return nil
		})
		b.open()
		b.uploadEach(1, 3)
		b.wantForms(3, 0)
		if !strings.Contains(b.log.String(), "reads differently") {
			t.Error(b.log)
		}
	})
}

// TestInterruptedCompressionIsRepeated: what a process leaves that dies while it compresses
// is no batch, and both forms of one are one.
func TestInterruptedCompressionIsRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		names := keptFour(b)
		text, err := b.disk.ReadFile(uploadedDir + names[1])
		for name, content := range map[string][]byte{compressing: text[:9], uploadedDir + names[1] + ".zst": frameOf(t, text)} {
			if err == nil {
				err = b.disk.WriteFile(name, content, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		b.cfg.KeepUploaded = 1
		b.open()
		b.wantForms(1, 3)
		for i, kept := range b.spoolBatches() {
			if kept.FetchCount != 1 || kept.Sequence != i+1 {
				t.Errorf("%+v", kept)
			}
		}
	})
}

// TestOnlyThePublisherCompresses: a Writer that only appends leaves batches as they are.
func TestOnlyThePublisherCompresses(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		keptFour(b)
		b.cfg.KeepUploaded, b.cfg.AppendOnly = 1, true
		b.open()
		b.append(5)
		time.Sleep(time.Hour)
		b.wantForms(4, 0)
	})
}

// TestShortProcessesCompress: processes that live for one fetch compress as many batches as
// they upload, whether each of them has one to upload or not, before the drain or by it.
func TestShortProcessesCompress(t *testing.T) {
	for _, fetches := range []int{1, 2} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d in a batch, uploaded before it drains %v", fetches, before), func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) { testShortProcesses(t, b, fetches, before) })
			})
		}
	}
}

func testShortProcesses(t *testing.T, b *bench, fetches int, before bool) {
	b.cfg.MaxFetches, b.cfg.KeepUploaded = fetches, 3
	b.onDisk(func(op crashfs.Op) error {
		if op.Kind == "OpenFile" && op.Name == compressing {
			time.Sleep(time.Second)
		}
		if op.Kind == "Lock" && op.Name == "all_api.spool/publish.lock" && !before {
			time.Sleep(time.Second)
		}
		return nil
	})
	for i := range 10 * fetches {
		b.open()
		b.append(i)
		if before {
			synctest.Wait()
		}
		if err := errors.Join(b.CloseAppend(), b.Drain(t.Context()), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if plain, compressed := b.forms(); plain > 4 || plain+compressed != 10 {
		t.Errorf("%d batches are plain, and %d compressed", plain, compressed)
	}
}

// TestDrainWaitsForCompressionAsLongAsItMay: a drain ends with its context though a batch is being
// compressed, without an error, since all batches are in the store.
func TestDrainWaitsForCompressionAsLongAsItMay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		keptFour(b)
		b.cfg.KeepUploaded, b.cfg.MaxFetches = 2, 1
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && op.Name == compressing {
				time.Sleep(time.Hour)
			}
			return nil
		})
		b.open()
		b.append(5)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Drain(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestStatusOfCompressedBatches says what their files take.
func TestStatusOfCompressedBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded = 1, 1
		b.open()
		b.uploadEach(1, 3)
		synctest.Wait()
		status := b.inspect()
		if len(status.Confirmed) != 3 || len(status.Problems) > 0 {
			t.Fatalf("%+v", status)
		}
		for i, c := range status.Confirmed {
			name := b.uploaded()[i]
			content, err := b.disk.ReadFile(uploadedDir + name)
			if err != nil || c.Bytes != int64(len(content)) || !strings.HasSuffix(c.File, name) || c.Sequence != i+1 {
				t.Errorf("%+v is %s of %d bytes, %v", c, name, len(content), err)
			}
		}
	})
}

// TestBatchesAreCompressedWhileTheyAreTakenBack: a batch whose file is replaced by a
// compressed one since it was listed is put back as well.
func TestBatchesAreCompressedWhileTheyAreTakenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		names := keptFour(b)
		b.forgetBody()
		b.mem.Delete(dayA)
		var once atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && op.Name == uploadedDir+names[2] && once.CompareAndSwap(false, true) {
				b.compress(asItIs, names...)
			}
			return nil
		})
		b.open()
		b.append(5)
		b.flush()
		if m := b.day(dayA).Metadata; m.Fetches != 5 || m.Matches != 15 || !once.Load() {
			t.Errorf("%+v\n%s", m, b.log)
		}
		if log := b.log.String(); strings.Contains(log, "retry_in") {
			t.Error(log)
		}
	})
}

// compressAndCut has a Writer compress three batches of four, with a disk that does what
// fail says at the k-th change. It returns false if there are fewer.
func (b *bench) compressAndCut(k int, fail error) (reached bool) {
	b.t.Helper()
	b.cfg.KeepUploaded = 1
	var changes atomic.Int64
	b.onDisk(func(op crashfs.Op) error {
		if op.Mutates && changes.Add(1) == int64(k) {
			return fail
		}
		return nil
	})
	if w, err := rotatelog.Open(b.t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID)); err == nil {
		time.Sleep(time.Second)
		w.Close()
	}
	b.onDisk(nil)
	return changes.Load() >= int64(k)
}

// wantFour wants the four batches to be kept, whole and once, in whatever form. Power cuts
// bring back the name in pending/ of the last one, which goes at the next seal.
func (b *bench) wantFour(when string) {
	b.t.Helper()
	kept := b.spoolBatches()
	if len(kept) != 4 {
		b.t.Errorf("%s: %d batches are kept, want 4", when, len(kept))
	}
	for i, batch := range kept {
		if batch.FetchCount != 1 || batch.Sequence != i+1 && i < 3 || batch.Matches != int64(i+1) {
			b.t.Errorf("%s: batch %d is %+v", when, i+1, batch)
		}
	}
}

// TestCrashWhileCompressing: whenever power is cut, each batch is kept in one form or the
// other, and is compressed by the next Writer.
func TestCrashWhileCompressing(t *testing.T) {
	for k, reached := 1, true; reached && !t.Failed(); k += depth.N(5, 1, 1) {
		inBubble(t, func(t *testing.T, b *bench) {
			keptFour(b)
			b.Writer = nil
			reached = b.compressAndCut(k, crashfs.ErrPowerCut)
			rng := rand.New(rand.NewPCG(uint64(k), 0))
			crashed := b.disk
			crashed.AnyOrder = true
			for i, choose := range []func(int) int{crashfs.KeepNothing, crashfs.KeepAll, rng.IntN, rng.IntN, rng.IntN, rng.IntN, rng.IntN} {
				when := fmt.Sprintf("power was cut at change %d, disk %d", k, i)
				b.setDisk(crashed.Crash(choose))
				b.wantFour(when)
				b.open()
				b.wantForms(1, 3)
				b.Close()
				b.Writer = nil
				b.wantFour(when + ", and the next Writer closed")
			}
		})
	}
}

// TestFaultWhileCompressing: whichever operation of the disk fails, each batch is kept, and
// nothing is left over an hour later.
func TestFaultWhileCompressing(t *testing.T) {
	for _, fail := range []error{syscall.EIO, syscall.ENOSPC} {
		for k, reached := 1, true; reached && !t.Failed(); k += depth.N(5, 1, 1) {
			inBubble(t, func(t *testing.T, b *bench) {
				keptFour(b)
				b.Writer = nil
				reached = b.compressAndCut(k, fail)
				b.setDisk(b.disk.Crash(crashfs.KeepNothing))
				b.wantFour(fmt.Sprintf("change %d failed with %v, and then power was cut", k, fail))
				b.open()
				time.Sleep(2 * time.Hour)
				b.wantForms(1, 3)
			})
		}
	}
}
