package rotatelog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/packed"
)

// frameOf returns text as one zstd frame.
func frameOf(t *testing.T, text []byte) []byte {
	t.Helper()
	var frame bytes.Buffer
	w, err := packed.NewFrameWriter(&frame, int64(len(text)))
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return frame.Bytes()
}

const uploadedDir = "all_api.spool/uploaded/"

// compress gives the confirmed batches their compressed form, as it is after change.
func (b *bench) compress(change func(frame []byte) []byte, names ...string) {
	b.t.Helper()
	for _, name := range names {
		text, err := b.disk.ReadFile(uploadedDir + name)
		if err == nil {
			err = b.disk.WriteFile(uploadedDir+name+".zst", change(frameOf(b.t, text)), 0o400)
		}
		if err == nil {
			err = b.disk.Remove(uploadedDir + name)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

func asItIs(frame []byte) []byte { return frame }

// keptFour uploads four batches of one fetch, and closes the Writer.
func keptFour(b *bench) (names []string) {
	b.cfg.MaxFetches = 1
	b.open()
	b.uploadEach(1, 4)
	if err := b.Close(); err != nil {
		b.t.Fatal(err)
	}
	return b.uploaded()
}

// forgetBody removes the last body of the day, so that only batches are left.
func (b *bench) forgetBody() {
	b.t.Helper()
	names, err := b.disk.ReadDir("all_api.spool")
	for _, name := range names {
		if strings.HasPrefix(name, "body") && err == nil {
			err = b.disk.Remove("all_api.spool/" + name)
		}
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestCompressedBatchesAreUploadedAgain: a batch serves in either form when its day is gone.
func TestCompressedBatchesAreUploadedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		names := keptFour(b)
		before := b.mem.Bytes(dayA)
		b.compress(asItIs, names[:3]...)
		b.forgetBody()
		b.mem.Delete(dayA)
		b.open()
		b.uploadEach(5, 5)
		got, want := b.day(dayA), parseDay(t, dayA, before)
		if got.Metadata.Fetches != 5 {
			t.Fatalf("%+v", got.Metadata)
		}
		for i, u := range want.Uploads {
			if fmt.Sprintf("%s", got.Uploads[i].Data) != fmt.Sprintf("%s", u.Data) {
				t.Errorf("upload %d is %s, was %s", i+1, got.Uploads[i].Data, u.Data)
			}
		}
	})
}

// TestDamagedFrameIsNoBatch: nothing of a compressed batch with a changed or missing byte
// is uploaded. It is set aside, and the others are uploaded.
func TestDamagedFrameIsNoBatch(t *testing.T) {
	hurts := map[string]func([]byte) []byte{
		"empty":           func(frame []byte) []byte { return nil },
		"cut off":         func(frame []byte) []byte { return frame[:len(frame)/2] },
		"without its sum": func(frame []byte) []byte { return frame[:len(frame)-4] },
		"with more":       func(frame []byte) []byte { return append(frame, make([]byte, 512)...) },
	}
	for i := range 12 {
		hurts[fmt.Sprint("changed at ", i)] = func(frame []byte) []byte {
			frame[i*(len(frame)-1)/11] ^= 1
			return frame
		}
	}
	for name, hurt := range hurts {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				names := keptFour(b)
				b.compress(hurt, names[1])
				b.compress(asItIs, names[2])
				b.forgetBody()
				b.mem.Delete(dayA)
				var repaired []rotatelog.Repaired
				b.cfg.Hooks.Repaired = func(r rotatelog.Repaired) { repaired = append(repaired, r) }
				b.open()
				b.uploadEach(5, 5)
				if m := b.day(dayA).Metadata; m.Fetches != 4 || m.Matches != 1+3+4+5 {
					t.Errorf("%+v", m)
				}
				if len(repaired) != 1 || repaired[0].File != uploadedDir+names[1]+".zst" || repaired[0].Quarantined == "" {
					t.Fatalf("reported %+v", repaired)
				}
				if _, err := b.disk.Stat(repaired[0].Quarantined); err != nil {
					t.Error(err)
				}
				if left := strings.Join(b.uploaded(), " "); strings.Contains(left, names[1]) {
					t.Errorf("it is still taken for a batch that is kept: %s", left)
				}
			})
		})
	}
}

// TestSpoolReaderReadsBothForms: each batch once, with the same text and checksum in either
// form, also while both are there; nothing of one that is damaged.
func TestSpoolReaderReadsBothForms(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		names := keptFour(b)
		want := b.spoolBatches()
		b.compress(asItIs, names[0])
		text, err := b.disk.ReadFile(uploadedDir + names[1])
		if err == nil { // as a process leaves it that dies while it compresses
			err = b.disk.WriteFile(uploadedDir+names[1]+".zst", frameOf(t, text), 0o400)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := b.spoolBatches()
		if len(got) != 4 {
			t.Fatalf("%d batches, want 4", len(got))
		}
		for i := range want {
			if got[i].ID != want[i].ID || got[i].SHA256 != want[i].SHA256 || got[i].FetchCount != 1 || got[i].Sequence != i+1 {
				t.Errorf("batch %d is %+v, and was %+v", i+1, got[i], want[i])
			}
		}
		if !strings.HasSuffix(got[0].File, ".json.zst") || strings.HasSuffix(got[1].File, ".zst") {
			t.Errorf("they are said to be %s and %s", got[0].File, got[1].File)
		}
		status := b.inspect()
		if len(status.Confirmed) != 4 || status.Number != 4 {
			t.Errorf("%d batches are said to be kept, and the number to be %d, want 4 and 4", len(status.Confirmed), status.Number)
		}
		b.compress(func(frame []byte) []byte { return frame[:len(frame)-1] }, names[2])
		if got := b.spoolBatches(); got[2].FetchCount != 0 || got[3].FetchCount != 1 {
			t.Errorf("of a damaged batch %d fetches are read, of the next %d", got[2].FetchCount, got[3].FetchCount)
		}
	})
}

// spoolBatches returns what a reader of the spool finds of the day.
func (b *bench) spoolBatches() []rotatelog.SpoolBatch {
	b.t.Helper()
	r, err := rotatelog.OpenSpoolReader(rotatelog.OnDisk(rotatelog.Config{}, b.disk, b.newID))
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	day, err := rotatelog.ParseDay(today)
	if err != nil {
		b.t.Fatal(err)
	}
	batches, err := r.Batches(day)
	if err != nil {
		b.t.Fatal(err)
	}
	return batches
}
