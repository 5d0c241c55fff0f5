package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"example.com/rotatelog"
)

// brokenStore is a Store that breaks one sentence.
type brokenStore struct {
	name  string
	fails string
	make  func(*Mem) rotatelog.Store
}

// brokenStreams are Stores that treat streams badly.
func brokenStreams() []brokenStore {
	const (
		good   = "a stream is as good as its bytes"
		sizes  = "a stream may have any size"
		fails  = "a stream that fails, or has another length, is an error that names the part, and changes nothing"
		opened = "Open is called at most once, and what it returns is closed"
	)
	return []brokenStore{
		{"sends streams last", good, badParts(streamsLast)},
		{"reads one buffer", sizes, readsStreams(func(r io.Reader, p rotatelog.Part) ([]byte, error) {
			b := make([]byte, max(p.Len, 0))
			n, err := io.ReadFull(r, b[:min(len(b), 32<<10)])
			return b[:n], err
		})},
		{"takes what comes", fails, readsStreams(func(r io.Reader, _ rotatelog.Part) ([]byte, error) { return io.ReadAll(r) })},
		{"reads only as much as it needs", fails, readsStreams(func(r io.Reader, p rotatelog.Part) ([]byte, error) {
			b := make([]byte, max(p.Len, 0))
			_, err := io.ReadFull(r, b)
			return b, err
		})},
		{"names no part", fails, func(m *Mem) rotatelog.Store { return hidesErrors(m, errors.New("a stream failed")) }},
		{"loses the error of the stream", fails, func(m *Mem) rotatelog.Store { return hidesErrors(m, errors.New("part 2 failed")) }},
		{"applies what came before a failure", fails, appliesHalf},
		{"opens twice", opened, opensTwice},
		{"leaves streams open", opened, leavesOpen},
	}
}

// TestSuiteCatchesBadStreams runs the suite against Stores that treat streams badly.
func TestSuiteCatchesBadStreams(t *testing.T) {
	wantAllCaught(t, streamCases, brokenStreams())
}

// wantAllCaught wants each Store to fail its sentence, and each case to fail with one.
func wantAllCaught(t *testing.T, of []testCase, broken []brokenStore) {
	t.Helper()
	caught := map[string]bool{}
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) { wantCaught(t, b.fails, b.make(NewMem())) })
		caught[b.fails] = true
	}
	for _, c := range of {
		if !caught[c.name] {
			t.Errorf("no broken Store shows that %q can fail", c.name)
		}
	}
}

func streamsLast(parts []rotatelog.Part) []rotatelog.Part {
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b rotatelog.Part) int {
		switch {
		case (a.Open != nil) == (b.Open != nil):
			return 0
		case a.Open != nil:
			return 1
		}
		return -1
	})
	return sorted
}

// readsStreams returns what makes Stores that read each stream with read.
func readsStreams(read func(io.Reader, rotatelog.Part) ([]byte, error)) func(*Mem) rotatelog.Store {
	return func(m *Mem) rotatelog.Store {
		return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
			parts = slices.Clone(parts)
			for i, p := range parts {
				if p.Open == nil {
					continue
				}
				r, err := p.Open()
				if err != nil {
					return errors.Join(errors.New("part 2"), err)
				}
				data, err := read(r, p)
				r.Close()
				if err != nil {
					return errors.Join(errors.New("part 2"), err)
				}
				parts[i] = rotatelog.Data(data)
			}
			return m.Write(ctx, key, old, parts, meta)
		}}
	}
}

func hidesErrors(m *Mem, with error) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		if m.Write(ctx, key, old, parts, meta) != nil {
			return with
		}
		return nil
	}}
}

func appliesHalf(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if err != nil && len(parts) > 2 {
			m.Write(ctx, key, old, parts[1:2], meta)
		}
		return err
	}}
}

// withOpens returns a Store that gives m streams whose Open is changed.
func withOpens(m *Mem, change func(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error)) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		parts = slices.Clone(parts)
		for i, p := range parts {
			if p.Open != nil {
				parts[i].Open = change(p.Open)
			}
		}
		return m.Write(ctx, key, old, parts, meta)
	}}
}

func opensTwice(m *Mem) rotatelog.Store {
	return withOpens(m, func(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			if r, err := open(); err == nil {
				r.Close()
			}
			return open()
		}
	})
}

func leavesOpen(m *Mem) rotatelog.Store {
	return withOpens(m, func(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			r, err := open()
			return io.NopCloser(r), err
		}
	})
}

// TestHeldWriteKeepsWhatItsStreamsYield: its caller closes what they read from.
func TestHeldWriteKeepsWhatItsStreamsYield(t *testing.T) {
	m := NewMem()
	f := &Faulty{Store: m, Fault: func(Op) Fault { return Fault{Later: true} }}
	used := sourceOf("content")
	if err := f.Write(t.Context(), "key", "", []rotatelog.Part{used.part(7)}, nil); err != nil {
		t.Fatal(err)
	}
	used.wantUsed(t, 1)
	if f.Release(t.Context()); !bytes.Equal(m.Bytes("key"), []byte("content")) || used.opens != 1 {
		t.Errorf("%q was written, and the stream opened %d times", m.Bytes("key"), used.opens)
	}
	if err := f.Write(t.Context(), "other", "", []rotatelog.Part{used.part(8)}, nil); err == nil || f.Held() != 0 {
		t.Errorf("a stream that is too short: %v, and %d writes are held", err, f.Held())
	}
}
