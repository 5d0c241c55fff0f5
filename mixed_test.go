package rotatelog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// mixing is a Store whose object is replaced at the nth call of an operation, which then
// mixes the two versions, as versitygw may: Stat returns the size of the old one with all
// else of the new one, and Read reads the new one for the old one.
type mixing struct {
	*storetest.Mem
	op    string
	nth   int
	to    version
	mixed bool
}

// strikes reports whether this call of an operation is the one.
func (m *mixing) strikes(op, key string) bool {
	if op != m.op || m.mixed || m.Bytes(key) == nil {
		return false
	}
	m.nth--
	if m.mixed = m.nth == 0; m.mixed {
		m.to.putIn(m.Mem, key)
	}
	return m.mixed
}

func (m *mixing) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	size := len(m.Bytes(key))
	strikes := m.strikes("stat", key)
	obj, err := m.Mem.Stat(ctx, key)
	if strikes { // at the worst there is the end of some object
		size = bytes.LastIndexByte(m.to.content[:size], '}') + 1
		obj.Size = int64(size)
	}
	return obj, err
}

func (m *mixing) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if m.strikes("read", key) {
		now, err := m.Mem.Stat(ctx, key)
		if err != nil {
			return nil, err
		}
		v = now.Version
	}
	return m.Mem.Read(ctx, key, v, off, n)
}

// testReadMixtures: nothing that a server mixes of two versions is read, nor taken for
// damage of either.
func testReadMixtures(t *testing.T, mem *storetest.Mem, day readDay) {
	for _, to := range day.longer {
		for _, op := range []string{"stat", "read"} {
			for _, from := range []int{1, 4} {
				for nth, struck := 1, true; struck; nth++ {
					day.putIn(mem, day.key)
					m := &mixing{Mem: mem, op: op, nth: nth, to: to}
					testMixture(t, m, day, from)
					struck = m.mixed
				}
			}
		}
	}
}

// testMixture reads the uploads from a sequence on.
func testMixture(t *testing.T, m *mixing, day readDay, from int) {
	t.Helper()
	all := wantUploads(t, day.key, m.to.content).Uploads
	d, err := rotatelog.OpenDay(t.Context(), m, day.key, rotatelog.ReadOptions{})
	var got []dayUpload
	if err == nil {
		got, err = readUploads(d.UploadsFrom(t.Context(), from), nil)
	}
	if errors.Is(err, rotatelog.ErrReplaced) && (from > 1 || day.meta == nil) {
		return // what a search has found is not looked for again, nor what was concluded from a head
	}
	if err != nil {
		t.Fatalf("%s, from upload %d: %v", m.op, from, err)
	}
	was := wantUploads(t, day.key, day.content).Uploads
	if !cmp.Equal(all[from-1:], got) && !cmp.Equal(was[min(from-1, len(was)):], got, cmpopts.EquateEmpty()) {
		t.Fatalf("%s, from upload %d:\n%s", m.op, from, cmp.Diff(all[from-1:], got))
	}
}

// testTextOfMixtures: neither is the text of a day's object a mixture of two versions.
func testTextOfMixtures(t *testing.T, mem *storetest.Mem, day readDay) {
	for _, to := range day.longer {
		for _, op := range []string{"stat", "read"} {
			day.putIn(mem, day.key)
			was, _ := readText(t, mem)
			to.putIn(mem, day.key)
			is, _ := readText(t, mem)
			day.putIn(mem, day.key)
			got, err := readText(t, &mixing{Mem: mem, op: op, nth: 1, to: to})
			if err != nil && errors.Is(err, rotatelog.ErrConflict) || err == nil && (got == was || got == is) {
				continue
			}
			t.Errorf("%s: %v\n%s", op, err, got)
		}
	}
}

// readText returns the text of the day in a store.
func readText(t *testing.T, store rotatelog.Store) (string, error) {
	text, err := rotatelog.Archive{Store: store}.Text(t.Context(), rotatelog.Day{Year: 1999, Month: 12, Date: 31})
	if err != nil {
		return "", err
	}
	r := text.Open(t.Context())
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}
